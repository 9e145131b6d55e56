import { join } from "node:path";
import { openForWriting } from "../src/journal/database.ts";
import { eventReader } from "../src/journal/read.ts";
import { bootStory } from "../src/offline/boot-story.ts";
import { changesBetween } from "../src/offline/changes.ts";
import { stateJson, stateThen } from "../src/offline/state.ts";
import { openStore, type Store } from "../src/offline/store.ts";
import { toldVersions } from "../src/offline/versions.ts";
import { Rebuild } from "../src/projections/rebuild.ts";
import { services } from "../src/projections/services.ts";
import { logSource } from "../src/runtime/log-source.ts";
import { readingOf, writeHistory } from "./history.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, median, type Options, ratioAtMost, type Result } from "./result.ts";

/*
 * What the questions about the past cost in a long log, from opening the store to the answer, beside reading all of its rows once. A hundred services.
 */

const SERVICES = 100;
const MOMENTS = 21;
/** Of the time to read all rows: a million take somewhat over a second and a half on a machine that does nothing else, so this is some 80 ms. */
const AIM = 0.05;

/** Milliseconds for one question, the opening of the store included. */
function asked(stateDirectory: string, ask: (store: Store) => unknown): number {
  const began = performance.now();
  const store = openStore(stateDirectory);
  ask(store);
  store.close();
  return performance.now() - began;
}

/** The same at moments all over the log. @param at of a sequence number */
function askedAll(
  stateDirectory: string,
  last: number,
  ask: (store: Store, at: string) => unknown,
  at: (store: Store, seq: number) => string = (_, seq) => String(seq),
): number {
  const places = Array.from({ length: MOMENTS }, (_, place) =>
    Math.max(SERVICES + 10, Math.round((last * ((place * 8) % MOMENTS)) / (MOMENTS - 1))),
  );
  return median(places.map((seq) => asked(stateDirectory, (store) => ask(store, at(store, seq)))));
}

const NOW = Date.now();

const timeOf = ({ reader }: Store, seq: number): string =>
  new Date(reader.bySeq(seq)?.wall ?? 0).toISOString();

/** Milliseconds in which the writer makes the table of services anew, in pieces. */
function rebuilding(stateDirectory: string): number {
  const db = openForWriting(stateDirectory);
  const began = performance.now();
  const rebuild = new Rebuild(db, services, logSource(eventReader(db)));
  while (!rebuild.step());
  const took = performance.now() - began;
  db.close();
  return took;
}

const state = (store: Store, request: { service?: string; at: string }): unknown =>
  stateJson(stateThen(store, { ...request, now: NOW }));

export async function run({ quick }: Options): Promise<Result[]> {
  const rows = quick ? 100_000 : 1_000_000;
  return inDirectory(async (directory) => {
    const log = join(directory, "state");
    await writeHistory(log, rows, SERVICES);
    const of = rows.toLocaleString("en-US");
    const took = await inTurn(quick ? 1 : 3, {
      read: async () => readingOf(log),
      all: async () => askedAll(log, rows, (store, at) => state(store, { at })),
      one: async () => askedAll(log, rows, (store, at) => state(store, { service: "s7", at })),
      time: async () => askedAll(log, rows, (store, at) => state(store, { at }), timeOf),
      diff: async () =>
        asked(log, (store) =>
          changesBetween(store, { from: String(rows / 4), to: String(rows), now: NOW }),
        ),
      versions: async () => asked(log, (store) => toldVersions(store, "s7")),
      boot: async () => asked(log, ({ reader }) => bootStory(reader, undefined)),
      rebuild: async () => rebuilding(log),
    });
    const floor = { name: `reading ${of} rows`, value: took.read };
    const result = (name: string, value: number, aim?: Result["aim"]): Result =>
      compared({ name, value, unit: "ms", ...(aim && { aim }) }, floor);
    return [
      result(`state --all --at, any of ${of} events`, took.all, ratioAtMost(AIM)),
      result("state NAME --at", took.one, ratioAtMost(AIM)),
      result("state --all --at, by time", took.time, ratioAtMost(AIM)),
      result("diff over three quarters of them", took.diff),
      result("services versions", took.versions),
      result("boot show", took.boot),
      result(`the table of ${SERVICES} services, made anew`, took.rebuild),
    ];
  });
}
