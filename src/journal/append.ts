import { messageOf } from "../base/errors.ts";
import { type Head, trustedHead } from "./head.ts";
import type { AppendResult, Group, NewRow } from "./journal.ts";
import { type EventRow, type JsonObject, rowHash } from "./record.ts";
import { appendStatements, type AppendStatements } from "./append-statements.ts";
import { shapeNotes } from "./shapes.ts";
import { snapshotWriter } from "./snapshots.ts";
import { codeOf, type Db, isConstraint, isFull } from "./sqlite.ts";
import type { BatchVersions, StreamVersions } from "./stream-versions.ts";

/** A row as it is stored, and its actor after it. */
export interface AppendedRow {
  row: EventRow;
  view: JsonObject;
}

/** Runs inside the transaction, after the rows: what it writes is stored with them. What it throws undoes them. */
export type OnAppend = (rows: readonly AppendedRow[]) => void;

/** An I/O error during a batch: whether it is stored, only the file can tell. */
export interface InDoubt {
  outcome: "in_doubt";
  message: string;
  /** Where the log ends if the batch is not stored, and if it is. */
  before: Head;
  after: Head;
  committed: AppendResult & { outcome: "committed" };
}

/** One batch on its way into the log. */
interface Batch {
  seq: number;
  hash: string;
  versions: BatchVersions;
  startsAnywhere: () => boolean;
  rows: AppendedRow[];
  /** Shapes of event that the log did not hold before. */
  shapes: readonly string[];
}

/** A group that breaks a rule of the log. */
class GroupRefused extends Error {
  readonly group: number;

  constructor(group: number, cause: unknown) {
    super(messageOf(cause), { cause });
    this.group = group;
  }
}

/**
 * The log's write end over one connection. Nobody else may append meanwhile: head and versions are kept in memory.
 *
 * @returns a function that stores all groups in one transaction, or nothing; it never throws
 * @throws AppError `log_corrupt` where the log's end was cut off
 */
export function appender(
  db: Db,
  onAppend: OnAppend,
  versions: StreamVersions,
): (groups: readonly Group[]) => AppendResult | InDoubt {
  const statements = appendStatements(db);
  const startsAnywhere = (): boolean => versions.startsAnywhere();
  const takeSnapshots = snapshotWriter(db);
  const shapes = shapeNotes(db);
  let head = trustedHead(db);

  const store = db.transaction((batch: Batch, groups: readonly Group[]) => {
    groups.forEach((group, place) => storeGroup(statements, batch, group, place));
    if (batch.rows.length === 0) return;
    statements.noteHead.run(batch.seq, batch.hash);
    batch.shapes = shapes.note(batch.rows);
    takeSnapshots(batch.rows);
    onAppend(batch.rows);
  });

  return (groups) => {
    const fresh = { versions: versions.beginBatch(), rows: [], shapes: [] };
    const batch: Batch = { ...head, ...fresh, startsAnywhere };
    try {
      store.immediate(batch, groups);
    } catch (error) {
      return failure(error, head, batch);
    }
    const result = committed(head, batch);
    head = { seq: batch.seq, hash: batch.hash };
    versions.keep(batch.versions);
    shapes.keep(batch.shapes);
    return result;
  };
}

function storeGroup(statements: AppendStatements, batch: Batch, group: Group, place: number): void {
  try {
    for (const row of group.rows) storeRow(statements, batch, row);
    for (const value of group.sealed ?? []) statements.seal(value);
    if (group.claim) statements.claim(group.claim);
  } catch (error) {
    if (codeOf(error) !== "" && !isConstraint(error)) throw error;
    throw new GroupRefused(place, error);
  }
}

function storeRow(statements: AppendStatements, batch: Batch, { draft, view }: NewRow): void {
  const last = batch.versions.last(draft.stream);
  const begins = last === 0 && draft.fromState === null;
  if (draft.version !== last + 1 && !(begins && batch.startsAnywhere()))
    throw new Error(
      `${draft.stream} is at version ${last}: version ${draft.version} cannot follow`,
    );
  const data = JSON.stringify(draft.data);
  const seq = batch.seq + 1;
  const row: EventRow = { ...draft, seq, prevHash: batch.hash, hash: "" };
  row.hash = rowHash(batch.hash, row, data);
  statements.insert(row, data);
  batch.versions.set(draft.stream, draft.version);
  batch.rows.push({ row, view });
  batch.seq = seq;
  batch.hash = row.hash;
}

const committed = (before: Head, batch: Batch): AppendResult & { outcome: "committed" } => ({
  outcome: "committed",
  firstSeq: before.seq + 1,
  head: batch.hash,
  hashes: batch.rows.map(({ row }) => row.hash),
});

/** SQLite has rolled back by now; only after an I/O error can that not be believed. */
function failure(error: unknown, before: Head, batch: Batch): AppendResult | InDoubt {
  const message = messageOf(error);
  if (error instanceof GroupRefused) return { outcome: "refused", group: error.group, message };
  if (isFull(error)) return { outcome: "full", message };
  if (!codeOf(error).startsWith("SQLITE_IOERR")) return { outcome: "failed", message };
  const after = { seq: batch.seq, hash: batch.hash };
  return { outcome: "in_doubt", message, before, after, committed: committed(before, batch) };
}
