import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startThreadJournal } from "../src/journal/thread-journal.ts";
import type { Dispatcher } from "../src/runtime/dispatch.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtLeast, type Result } from "./result.ts";
import { type BareLog, openBareLog } from "./rows.ts";
import { startRuntime } from "./runtime.ts";

/*
 * Commands a second through the whole of `dispatch`: decided, stepped by the machine, appended by the writer's thread with its projections, taken by the
 * actor. 1 to 64 callers wait each for its own; those that wait share a commit. The floor is a bare insert a commit: what one caller could have at most.
 */

/** Callers at once, and the services they speak of: rows of one service lie side by side in the log's indexes, those of many do not. */
const SITUATIONS = [
  { callers: 1, services: 1 },
  { callers: 8, services: 8 },
  { callers: 64, services: 64 },
  { callers: 64, services: 1 },
] as const;
const SERVICES = 64;
const SETTLED_MS = 1_000;

const stream = (service: number): string => `service/s${service}`;

/** A wish that is one row and changes no state: a signal, sent to nobody. */
const signal = (dispatcher: Dispatcher, service: number) =>
  dispatcher.command({
    actor: "uid:0",
    decide: () => [
      { stream: stream(service), event: { type: "service.signal_requested", signal: "HUP" } },
    ],
  });

/** Commands a second, each caller giving its next one when it has the answer. */
async function rate(
  dispatcher: Dispatcher,
  { callers, services }: { callers: number; services: number },
  each: number,
): Promise<number> {
  const began = performance.now();
  const call = async (caller: number) => {
    for (let command = 0; command < each; command += 1) await signal(dispatcher, caller % services);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return (callers * each * 1_000) / (performance.now() - began);
}

async function bareRate(bare: BareLog, rows: number, transactions: number): Promise<number> {
  const began = performance.now();
  for (let transaction = 0; transaction < transactions; transaction += 1) bare.append(rows);
  return (rows * transactions * 1_000) / (performance.now() - began);
}

async function createServices(dispatcher: Dispatcher): Promise<void> {
  const create = (service: number) =>
    dispatcher.command({
      actor: "uid:0",
      decide: () => [
        {
          stream: stream(service),
          event: { type: "service.created", definition: { cmd: "sleep" }, version: 1 },
        },
      ],
    });
  await Promise.all(Array.from({ length: SERVICES }, (_, service) => create(service)));
  await pause(SETTLED_MS);
  await dispatcher.idle();
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    const bare = openBareLog(directory);
    const journal = await startThreadJournal({ stateDirectory: join(directory, "state") });
    const dispatcher = await startRuntime(journal);
    await createServices(dispatcher);
    const results: Result[] = [];
    for (const situation of SITUATIONS) {
      const { callers, services } = situation;
      const each = (quick ? 40 : 200) / (callers > 8 ? 4 : 1);
      const ways = {
        bare: () => bareRate(bare, 1, 200),
        batch: () => bareRate(bare, callers, each),
        ours: () => rate(dispatcher, situation, each),
      };
      await inTurn(quick ? 1 : 3, ways); // until it is compiled
      const { bare: one, batch, ours } = await inTurn(quick ? 3 : 9, ways);
      const name = `dispatch, ${callers} callers of ${services} services`;
      const result = { name, value: ours, unit: "rows/s" };
      const aim = callers === 64 ? { aim: ratioAtLeast(5) } : {};
      const note = `×${(ours / batch).toFixed(2)} of a bare insert of ${callers} at once`;
      results.push(
        compared({ ...result, ...aim, note }, { name: "bare insert, one a commit", value: one }),
      );
    }
    await dispatcher.idle();
    await journal.close();
    bare.close();
    return results;
  });
}
