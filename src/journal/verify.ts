import { messageOf } from "../base/errors.ts";
import { anchorQueries } from "./anchor.ts";
import { type Head, notedHead } from "./head.ts";
import { COLUMNS, type StoredRow } from "./read.ts";
import { GENESIS, rowHash } from "./record.ts";
import { codeOf, type Db } from "./sqlite.ts";
import { stateDigest } from "./state-text.ts";

/** What a walk over the log found. `rows`: how many were checked. */
export type Verification =
  | { ok: true; rows: number; first: number; head: Head }
  /** `seq`: the first row that is altered, missing or cut off. */
  | { ok: false; rows: number; seq: number; message: string };

export interface VerifyOptions {
  /** A hash that was noted elsewhere: it must be in the log. */
  head?: string;
  onProgress?: (rows: number) => void;
}

/** What is known of the log up to a row. */
interface Walk {
  at: Head;
  rows: number;
  first: number;
  versions: Map<string, number>;
  headSeen: boolean;
}

/** A row, or the lack of one, that breaks the chain. */
class Broken extends Error {
  readonly seq: number;

  constructor(seq: number, message: string) {
    super(message);
    this.seq = seq;
  }
}

const BATCH = 1_000;

/**
 * Walks the whole chain and names the first row that was altered, removed or cut off; any column counts, any byte of `data`.
 *
 * It finds accidents and unskilled edits. Whoever rewrites every hash from a row on, and the note of the log's end, is found by a hash that was
 * noted elsewhere alone. It takes some microseconds a row without a pause: not for the thread of a daemon at work.
 */
export function verifyLog(db: Db, options: VerifyOptions = {}): Verification {
  const walk: Walk = {
    at: { seq: 0, hash: GENESIS },
    rows: 0,
    first: 1,
    versions: new Map(),
    headSeen: options.head === GENESIS,
  };
  try {
    checkArchive(db);
    const step = stepper(db, walk, options.head);
    while (!step()) options.onProgress?.(walk.rows);
    if (options.head !== undefined && !walk.headSeen)
      throw new Broken(
        walk.at.seq,
        `no row of the log has the hash ${options.head}: it is another log, or was rewritten`,
      );
    return { ok: true, rows: walk.rows, first: walk.first, head: walk.at };
  } catch (error) {
    if (error instanceof Broken)
      return { ok: false, rows: walk.rows, seq: error.seq, message: error.message };
    if (!codeOf(error).startsWith("SQLITE_CORRUPT")) throw error;
    const seq = walk.at.seq + 1;
    return {
      ok: false,
      rows: walk.rows,
      seq,
      message: `the log cannot be read after row ${seq - 1}: ${messageOf(error)}`,
    };
  }
}

/** One batch, as it is at one moment: a daemon may append, and retention cut, meanwhile. True at the end of the log. */
function stepper(db: Db, walk: Walk, head: string | undefined): () => boolean {
  const select = db.prepare<[number, number], StoredRow>(
    `SELECT ${COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
  );
  const anchor = db.prepare<[], Head>("SELECT seq, hash FROM anchors ORDER BY seq DESC LIMIT 1");
  return db.transaction((): boolean => {
    const cut = anchor.get();
    if (cut && cut.seq > walk.at.seq) startAt(db, walk, cut, head);
    const rows = select.all(walk.at.seq, BATCH);
    for (const row of rows) check(walk, row, head);
    if (rows.length === BATCH) return false;
    checkEnd(walk, notedHead(db));
    return true;
  });
}

/** What is below an anchor is gone; the anchor stands for it, and for each stream that lived on its state. */
function startAt(db: Db, walk: Walk, anchor: Head, head: string | undefined): void {
  const states = anchorQueries(db).states();
  for (const state of states)
    if (stateDigest(anchor.hash, state) !== state.digest)
      throw new Broken(
        anchor.seq,
        `the state of ${state.stream}, which stands for rows up to ${anchor.seq}, was altered`,
      );
  walk.versions = new Map(states.map(({ stream, version }) => [stream, version]));
  walk.at = anchor;
  walk.first = anchor.seq + 1;
  walk.headSeen ||= anchor.hash === head;
}

/** Commands whose rows are gone were archived with their hashes: each still gives its own, though nothing chains them. */
function checkArchive(db: Db): void {
  const select = db.prepare<[number, number], StoredRow>(
    `SELECT ${COLUMNS} FROM archived_commands WHERE seq > ? ORDER BY seq LIMIT ?`,
  );
  for (let last = 0; ;) {
    const rows = select.all(last, BATCH);
    for (const row of rows)
      if (row.hash !== rowHash(row.prevHash, row, row.data))
        throw new Broken(row.seq, `the archived command ${row.seq} was altered`);
    if (rows.length < BATCH) return;
    last = rows.at(-1)?.seq ?? last;
  }
}

function check(walk: Walk, row: StoredRow, head: string | undefined): void {
  const expected = walk.at.seq + 1;
  if (row.seq !== expected) throw new Broken(expected, missing(expected, row.seq - 1));
  if (row.prevHash !== walk.at.hash)
    throw new Broken(
      row.seq,
      `row ${row.seq} was altered: it is not chained to row ${walk.at.seq}`,
    );
  if (row.hash !== rowHash(row.prevHash, row, row.data))
    throw new Broken(row.seq, `row ${row.seq} was altered: its columns do not give its hash`);
  const last = walk.versions.get(row.stream);
  const version = (last ?? 0) + 1;
  // One that ended below the anchor may have left a higher one.
  const begins = last === undefined && row.fromState === null && walk.first > 1;
  if (row.version !== version && !begins)
    throw new Broken(
      row.seq,
      `row ${row.seq} is version ${row.version} of ${row.stream}, where version ${version} is due`,
    );
  walk.versions.set(row.stream, row.version);
  walk.at = { seq: row.seq, hash: row.hash };
  walk.headSeen ||= row.hash === head;
  walk.rows += 1;
}

function checkEnd(walk: Walk, noted: Head | undefined): void {
  if (noted === undefined) throw new Broken(walk.at.seq, "the note of the log's end is gone");
  if (noted.seq > walk.at.seq)
    throw new Broken(
      walk.at.seq + 1,
      `the end was cut off: ${missing(walk.at.seq + 1, noted.seq)}`,
    );
  if (noted.seq < walk.at.seq)
    throw new Broken(
      noted.seq + 1,
      `row ${noted.seq + 1} and what follows were not written by a daemon`,
    );
  if (noted.hash !== walk.at.hash)
    throw new Broken(walk.at.seq, `row ${walk.at.seq} is not the one that was written last`);
}

const missing = (from: number, to: number): string =>
  from === to ? `row ${from} is missing` : `rows ${from} to ${to} are missing`;
