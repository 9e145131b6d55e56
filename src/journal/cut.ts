import { CUT } from "./anchor.ts";
import { lastRow } from "./head.ts";
import { COLUMNS_STORED } from "./record-columns.ts";
import type { Db } from "./sqlite.ts";
import { encodeState, stateDigest, type StreamState } from "./state-text.ts";

/** What a stream was at the cut, after all of its rows below. */
export interface AnchorState extends StreamState {
  stream: string;
  /** Of its last row below the cut. */
  version: number;
  /** Of the machine whose state it is. */
  schema: number;
}

/** How much of the past is kept. */
export interface Keep {
  /** Rows that are older, in milliseconds of the `at` clock, may go. */
  ageMs: number;
  /** The store's size, free pages not counted, beyond which the oldest rows go. */
  bytes: number;
}

/** So many of the newest rows are never cut for their size. */
const KEPT_ROWS = 1_000;
/** What is cut for its size makes room for some time. */
const SHARE = 0.9;

/**
 * The row up to which all is to go: what is too old, and of what is too much the oldest.
 *
 * @param now of the `at` clock
 * @returns undefined where nothing is to go
 */
export function cutFor(db: Db, { ageMs, bytes }: Keep, now: number): number | undefined {
  const from = db.prepare<[], number>(`SELECT ${CUT}`).pluck().get() ?? 0;
  const { seq: end } = lastRow(db);
  const cut = Math.max(oldest(db, from, end, now - ageMs), tooMuch(db, from, end, bytes));
  return cut > from ? cut : undefined;
}

/** The last row of that time or before. `at` rises with the numbers. */
function oldest(db: Db, from: number, end: number, until: number): number {
  const at = db.prepare<[number], number>("SELECT at FROM events WHERE seq = ?").pluck();
  let [low, high] = [from, end];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((at.get(middle) ?? 0) <= until) low = middle;
    else high = middle - 1;
  }
  return low;
}

function tooMuch(db: Db, from: number, end: number, bytes: number): number {
  const used = usedBytes(db);
  if (used <= bytes) return from;
  const share = 1 - (SHARE * bytes) / used;
  return Math.max(from, Math.min(end - KEPT_ROWS, from + Math.ceil((end - from) * share)));
}

/** Bytes of the database in use: pages, less those that are free. The WAL is not counted, it has its own bounds. */
function usedBytes(db: Db): number {
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
}

/** A stream's last row below the cut. */
interface Place {
  seq: number;
  at: number;
  wall: number;
}

/** Writes the anchor that lets a prefix go, with what lives on past it, in the place of the anchor before. */
export function writeAnchor(
  db: Db,
  seq: number,
  wall: number,
  states: readonly AnchorState[],
): void {
  const placeOf = db.prepare<[string, number], Place>(
    "SELECT seq, at, wall FROM events WHERE stream = ? AND version = ?",
  );
  const restingOf = db.prepare<[string], Place>(
    `SELECT seq, at, wall FROM anchor_states WHERE stream = ? AND anchor = ${CUT}`,
  );
  const insert = db.prepare(
    `INSERT INTO anchor_states (anchor, stream, version, schema, state, digest, seq, at, wall)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  db.transaction(() => {
    const places = states.map(
      ({ stream, version }) => placeOf.get(stream, version) ?? restingOf.get(stream),
    );
    const { hash } = db
      .prepare<[number], { hash: string }>("SELECT hash FROM events WHERE seq = ?")
      .get(seq) ?? { hash: "" };
    db.prepare("INSERT INTO anchors SELECT seq, hash, at, ? FROM events WHERE seq = ?").run(
      wall,
      seq,
    );
    for (const [index, { stream, version, schema, value, context }] of states.entries()) {
      const state = encodeState({ value, context });
      const digest = stateDigest(hash, { stream, version, schema, state });
      const last = places[index] ?? { seq: 0, at: 0, wall: 0 };
      const of = [stream, version, schema, state, digest];
      insert.run(seq, ...of, last.seq, last.at, last.wall);
    }
    db.prepare("DELETE FROM anchors WHERE seq < ?").run(seq);
  }).immediate();
}

/** Rows removed at a time, in some 10 ms: what waits to be appended gets its turn between. */
const SLICE = 500;

/**
 * Removes some of the rows below the anchor, the oldest first, with the snapshots taken of them; commands of people go to the archive.
 *
 * @returns how many; 0: none is left
 */
export function removeSlice(db: Db): number {
  const first = db
    .prepare<[], number>(`SELECT seq FROM events WHERE seq <= ${CUT} ORDER BY seq LIMIT 1`)
    .pluck()
    .get();
  if (first === undefined) return 0;
  const slice = `seq >= ${first} AND seq < ${first + SLICE} AND seq <= ${CUT}`;
  return db
    .transaction(() => {
      db.exec(
        `INSERT OR IGNORE INTO archived_commands (${COLUMNS_STORED})
           SELECT ${COLUMNS_STORED} FROM events WHERE ${slice} AND ${IS_ARCHIVED};
         DELETE FROM snapshots WHERE (stream, version) IN (SELECT stream, version FROM events WHERE ${slice})`,
      );
      return db.prepare(`DELETE FROM events WHERE ${slice}`).run().changes;
    })
    .immediate();
}

/**
 * What somebody asked for: neither what the daemon did by itself, nor a request that woke a service. Boots stay with them: they say where the logs of
 * services are.
 */
const IS_ARCHIVED = "(actor NOT IN ('runtime', 'proxy') OR type = 'environment.booted')";
