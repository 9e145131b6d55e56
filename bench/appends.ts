import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { AppendResult, Group } from "../src/journal/journal.ts";
import { startThreadJournal } from "../src/journal/thread-journal.ts";
import { openWriter } from "../src/journal/writer.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtLeast, type Result } from "./result.ts";
import { openBareLog, rowMaker } from "./rows.ts";

/*
 * Rows a second into the event log, 1 to 64 in one transaction: chained and checked, in this thread; then as the daemon has it, in the writer's thread with
 * the projections. The floor is a bare insert of as many rows, synced as often.
 */

/** Rows in a transaction, and transactions in a sample. */
const BATCHES = [
  [1, 200],
  [8, 100],
  [64, 40],
] as const;

/** After this time of quiet the writer has brought its WAL to the size that is then overwritten. */
const SETTLED_MS = 1_000;

const needsStored = (result: AppendResult): void => {
  if (result.outcome !== "committed") throw new Error(`not stored: ${result.message}`);
};

/** Rows a second. */
async function rate(
  rows: number,
  transactions: number,
  append: (rows: number) => unknown,
): Promise<number> {
  const began = performance.now();
  for (let transaction = 0; transaction < transactions; transaction += 1) await append(rows);
  return (rows * transactions * 1_000) / (performance.now() - began);
}

/** Appends to a journal rows of as many services as there are in a batch. */
function appending(journal: { append(groups: Group[]): Promise<AppendResult> }) {
  const makers = Array.from({ length: 64 }, (_, number) => rowMaker(`service/s${number}`));
  return async (rows: number) => {
    needsStored(await journal.append(makers.slice(0, rows).map((make) => make())));
  };
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    const bare = openBareLog(directory);
    const alone = openWriter({ stateDirectory: join(directory, "alone"), hook: () => () => {} });
    const thread = await startThreadJournal({ stateDirectory: join(directory, "thread") });
    const [toAlone, toThread] = [appending(alone), appending(thread)];
    await pause(SETTLED_MS);
    const results: Result[] = [];
    for (const [rows, transactions] of BATCHES) {
      const count = quick ? transactions / 5 : transactions;
      const ways = {
        bare: () => rate(rows, count, (many) => bare.append(many)),
        alone: () => rate(rows, count, toAlone),
        thread: () => rate(rows, count, toThread),
      };
      await inTurn(1, ways);
      results.push(...figures(rows, await inTurn(quick ? 3 : 9, ways)));
    }
    await alone.close();
    await thread.close();
    bare.close();
    return results;
  });
}

function figures(
  rows: number,
  { bare, alone, thread }: { bare: number; alone: number; thread: number },
): Result[] {
  const floor = { name: "bare insert, same batch", value: bare };
  const unit = "rows/s";
  const name = `appends, ${rows} at once`;
  return [
    compared(
      { name: `${name}: the log alone`, value: alone, unit, aim: ratioAtLeast(0.85) },
      floor,
    ),
    compared({ name: `${name}: writer thread, with projections`, value: thread, unit }, floor),
  ];
}
