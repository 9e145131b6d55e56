import { trimArchive } from "./archive.ts";
import { type AnchorState, cutFor, type Keep, removeSlice, writeAnchor } from "./cut.ts";
import { KEY_LIFE_MS } from "./journal.ts";
import { type References, sweepValues } from "./sealed-values.ts";
import type { Db } from "./sqlite.ts";

/** What the journal must be told about streams, since it knows no machine. */
export interface RetentionPorts {
  /** What lives after a row, a stream at a time: each is folded when it is asked for; undefined where one does not live. */
  statesAt(db: Db, seq: number): Iterable<AnchorState | undefined>;
  references(db: Db): References;
}

export interface RetentionRequest extends Keep {
  /** Of the `at` clock. */
  now: number;
  /** Of the clock on the wall. */
  wall: number;
}

/** What a step of retention did. */
export interface RetentionStep {
  /** Whether there is more to do: ask again. */
  more: boolean;
  /** The log was cut: all up to this row is gone. */
  cut?: number;
}

/** Archived commands may take this share of what the whole store may. */
const ARCHIVE_SHARE = 1 / 4;
/** Streams folded in one step. */
const FOLDED = 16;
/** Pages given back at a time. */
const PAGES = 256;
/** Free pages that stay for what comes next: of all, and at least. */
const FREE_SHARE = 0.1;
const FREE_PAGES = 1_024;

/**
 * Keeps a store within its bounds, in steps of some 10 ms so that appends get their turn between.
 *
 * Only ever a prefix of the log goes. What lives on past it is folded first, which changes nothing; then one transaction writes the anchor, from which on all
 * below is gone to every reader; then the rows are removed, slice by slice. A daemon that dies in between goes on with it at its next run.
 *
 * @param onGone called when an anchor was written, and after each slice of rows that was removed: between the two, who looks for a stream's last row still finds it
 * @returns one step a call; the first one of a run decides with that call's request what is to go
 */
export function retention(
  db: Db,
  ports: RetentionPorts,
  onGone: () => void,
): (request: RetentionRequest) => RetentionStep {
  let run: Generator<number | undefined> | undefined;
  return (request) => {
    run ??= steps(db, ports, onGone, request);
    try {
      const { value, done } = run.next();
      if (done) run = undefined;
      return { more: done !== true, ...(typeof value === "number" && { cut: value }) };
    } catch (error) {
      run = undefined; // the next run looks anew at what there is
      throw error;
    }
  };
}

function* steps(
  db: Db,
  ports: RetentionPorts,
  onGone: () => void,
  request: RetentionRequest,
): Generator<number | undefined> {
  yield* removal(db, onGone); // what an earlier run left
  const cut = cutFor(db, request, request.now);
  if (cut !== undefined) {
    const states = yield* folded(ports.statesAt(db, cut));
    writeAnchor(db, cut, request.wall, states);
    onGone();
    yield cut;
    yield* removal(db, onGone);
  }
  db.prepare("DELETE FROM idempotency_keys WHERE at <= ?").run(request.now - KEY_LIFE_MS);
  yield;
  yield* quietly(trimArchive(db, request.bytes * ARCHIVE_SHARE));
  yield* quietly(sweepValues(db, ports.references(db), request.now));
  yield* quietly(givingBack(db));
}

function* quietly(work: Generator<void>): Generator<undefined> {
  for (const _ of work) yield undefined;
}

function* removal(db: Db, onGone: () => void): Generator<undefined> {
  while (removeSlice(db) > 0) {
    onGone();
    yield undefined;
  }
}

function* folded(
  states: Iterable<AnchorState | undefined>,
): Generator<undefined, readonly AnchorState[]> {
  const all: AnchorState[] = [];
  let count = 0;
  for (const state of states) {
    if (state) all.push(state);
    count += 1;
    if (count % FOLDED === 0) yield undefined;
  }
  return all;
}

/** Shortens the file by its free pages, but for some. A file made by the first release cannot be shortened: its free pages are used again. */
function* givingBack(db: Db): Generator<void> {
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  const INCREMENTAL = 2;
  if (pragma("auto_vacuum") !== INCREMENTAL) return;
  for (;;) {
    const spare = Math.max(FREE_PAGES, Math.ceil(pragma("page_count") * FREE_SHARE));
    const excess = pragma("freelist_count") - spare;
    if (excess <= 0) return;
    db.pragma(`incremental_vacuum(${Math.min(PAGES, excess)})`);
    yield;
  }
}
