import { once } from "node:events";
import { join } from "node:path";
import { openStore } from "../src/offline/store.ts";
import { checkReplay } from "../src/offline/replay.ts";
import { openReader } from "../src/journal/read.ts";
import { foldRows, statesAt } from "../src/runtime/past.ts";
import { Fold } from "../src/runtime/replay.ts";
import { seqAt } from "../src/runtime/seq-at.ts";
import { ready, spawnDaemon } from "./daemon.ts";
import { readingOf, writeHistory } from "./history.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtMost, type Result, valueAtMost } from "./result.ts";

/*
 * What a long log costs: a boot with a million events beside one with ten thousand, all that lived at some moment of them, and folding them all, beside
 * the floor of reading their rows. A hundred services; writing the log takes a minute or two.
 */

const SERVICES = 100;

/** Milliseconds from the start of a daemon until it answers; then it ends its services. */
async function boot(directory: string): Promise<number> {
  const began = performance.now();
  const child = spawnDaemon(directory);
  await ready(child, directory);
  const took = performance.now() - began;
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
  return took;
}

/** Milliseconds, for moments all over the log: the first of them, with everything cold, apart. */
function momentsOf(stateDirectory: string): { first: number; worst: number; usual: number } {
  const reader = openReader(stateDirectory);
  const { seq: end } = reader.head();
  const taken = Array.from({ length: 41 }, (_, place) => {
    const seq = Math.max(1, Math.round((end * ((place * 17) % 41)) / 40));
    const began = performance.now();
    statesAt(reader, seq);
    return performance.now() - began;
  });
  const [first = 0, ...rest] = taken;
  rest.sort((one, other) => one - other);
  reader.close();
  return { first, worst: rest.at(-1) ?? 0, usual: rest[rest.length >> 1] ?? 0 };
}

/** Milliseconds to find the row at a time of the wall clock. */
function timeToSeq(stateDirectory: string): number {
  const reader = openReader(stateDirectory);
  const wall = reader.bySeq(Math.ceil(reader.head().seq / 3))?.wall ?? 0;
  const began = performance.now();
  seqAt(reader, wall);
  const took = performance.now() - began;
  reader.close();
  return took;
}

/** Milliseconds to fold all rows. */
function folding(stateDirectory: string): number {
  const reader = openReader(stateDirectory);
  const began = performance.now();
  for (const _ of foldRows(new Fold(), reader));
  reader.close();
  return performance.now() - began;
}

function checking(stateDirectory: string): number {
  const store = openStore(stateDirectory);
  const began = performance.now();
  const { ok, mismatches } = checkReplay(store);
  store.close();
  if (!ok) throw new Error(`the log does not replay: ${JSON.stringify(mismatches.slice(0, 3))}`);
  return performance.now() - began;
}

const inWords = (rows: number): string => rows.toLocaleString("en-US");

export async function run({ quick }: Options): Promise<Result[]> {
  const [few, many] = [10_000, quick ? 100_000 : 1_000_000];
  return inDirectory(async (directory) => {
    const [small, large] = [join(directory, "small"), join(directory, "large")];
    await writeHistory(join(small, "state"), few, SERVICES);
    await writeHistory(join(large, "state"), many, SERVICES);
    const log = join(large, "state");
    const moments = momentsOf(log);
    const toSeq = timeToSeq(log);
    const rows = await inTurn(quick ? 1 : 3, {
      read: async () => readingOf(log),
      fold: async () => folding(log),
    });
    const check = checking(log);
    await inTurn(1, { small: () => boot(small), large: () => boot(large) });
    const boots = await inTurn(quick ? 3 : 9, {
      small: () => boot(small),
      large: () => boot(large),
    });
    const floor = { name: `reading ${inWords(many)} rows`, value: rows.read };
    const each = (ms: number): string => `${((1_000 * ms) / many).toFixed(1)} µs a row`;
    return [
      compared(
        {
          name: `boot with ${inWords(many)} events, ${SERVICES} services`,
          value: boots.large,
          unit: "ms",
          aim: ratioAtMost(1.2),
        },
        { name: `with ${inWords(few)}`, value: boots.small },
      ),
      {
        name: `all states at any moment of ${inWords(many)} events`,
        value: moments.usual,
        unit: "ms",
        aim: valueAtMost(100),
        note: `worst ${moments.worst.toFixed(0)}, first ${moments.first.toFixed(0)}`,
      },
      { name: "row at a time of the wall clock", value: toSeq, unit: "ms" },
      compared(
        {
          name: `fold of ${inWords(many)} events`,
          value: rows.fold,
          unit: "ms",
          note: each(rows.fold),
        },
        floor,
      ),
      compared(
        { name: "replay --check of them", value: check, unit: "ms", note: "two folds" },
        floor,
      ),
    ];
  });
}
