import { anchorQueries, type AnchorQueries, CUT, eventsGone } from "./anchor.ts";
import { openForReading } from "./database.ts";
import type { EventReader, KeyRecord, NewestFilter } from "./event-reader.ts";
import { lastRow } from "./head.ts";
import { KEY_LIFE_MS, type KeyClaim } from "./journal.ts";
import type { EventRow } from "./record.ts";
import { snapshotFinder } from "./snapshots.ts";
import { spanQueries } from "./spans.ts";
import type { Db } from "./sqlite.ts";
import { lastVersionReader } from "./stream-versions.ts";
import { versionFinder } from "./version-finder.ts";

/** Rows a query fetches at a time: no transaction stays open between them, so that a slow reader never holds up a checkpoint. */
const BATCH = 500;
/** Of one stream the first time, then twice as many each time: who goes on from a snapshot wants a few. */
const FIRST_BATCH = 16;

/** The columns of a row, named as in `EventRow`. */
export const COLUMNS = `seq, id, stream, version, type, schema, data, at, wall, boot_id AS bootId, incarnation,
  cause, correlation, actor, from_state AS fromState, to_state AS toState, prev_hash AS prevHash, hash`;

/** A row with `data` as it is stored. */
export type StoredRow = Omit<EventRow, "data"> & { data: string };

/**
 * Opens the log of a state directory for reading: with a daemon at work, after its end, or after it was killed.
 *
 * @throws AppError as `openForReading`
 */
export const openReader = (stateDirectory: string): EventReader =>
  eventReader(openForReading(stateDirectory));

/** Reads over a connection, which `close` closes. */
export function eventReader(db: Db): EventReader {
  const anchors = anchorQueries(db);
  const rows = rowQueries(db, anchors);
  return {
    ...rows,
    ...spanQueries(db),
    head: () => ({ ...lastRow(db), at: rows.newest(1)[0]?.at ?? anchors.anchor()?.at ?? 0 }),
    firstSeq: () => anchors.cut() + 1,
    anchor: () => anchors.anchor(),
    archived: select<[string]>(db, "WHERE stream = ? ORDER BY seq", "archived_commands").all,
    anchorStates: () => anchors.states(),
    snapshotAt: snapshotFinder(db),
    lastVersion: lastVersionReader(db),
    definitions: definitionQuery(db),
    all: (seq = anchors.cut() + 1) => allFrom(rows.fromSeq, seq, lastRow(db).seq),
    ...sideTables(db),
    close: () => void db.close(),
  };
}

type RowQueries = Pick<
  EventReader,
  "fromSeq" | "fromSeqIn" | "stream" | "bySeq" | "byId" | "lastOf" | "ofVersion" | "newest"
>;

function rowQueries(db: Db, anchors: AnchorQueries): RowQueries {
  const from = select<[number, number]>(db, "WHERE seq >= ? ORDER BY seq LIMIT ?");
  const inStream = select<[string, number, number]>(
    db,
    `WHERE stream = ? AND version >= ? AND seq > ${CUT} ORDER BY version LIMIT ?`,
  );
  const last = select<[string]>(
    db,
    `WHERE stream = ? AND seq > ${CUT} ORDER BY version DESC LIMIT 1`,
  );
  const one = select<[string, number]>(db, `WHERE stream = ? AND version = ? AND seq > ${CUT}`);
  const newest = select<[number, number]>(
    db,
    `WHERE seq < ? AND seq > ${CUT} ORDER BY seq DESC LIMIT ?`,
  );
  const newestOf = select<[string, number, number]>(
    db,
    `WHERE stream = ? AND version < ? AND seq > ${CUT} ORDER BY version DESC LIMIT ?`,
  );
  const versionAt = versionFinder(db);
  /** Retention writes its anchor before it removes a row: where the anchor is not above what was asked for after the reading, nothing was missed. */
  const whole = (rows: EventRow[], seq: number): EventRow[] => {
    const cut = anchors.cut();
    if (cut > 0 && seq <= cut) throw eventsGone(cut);
    return rows;
  };
  return {
    fromSeq: (seq, limit) => whole(from.all(seq, limit), seq),
    fromSeqIn: (stream, seq, limit) =>
      whole(inStream.all(stream, versionAt(stream, seq), limit), seq),
    stream: (name, version) => streamFrom(inStream.all, anchors, name, version),
    bySeq: kept(db, "seq"),
    byId: kept(db, "id"),
    lastOf: last.get,
    ofVersion: one.get,
    newest: (limit, { stream, before = Number.MAX_SAFE_INTEGER }: NewestFilter = {}) =>
      (stream === undefined
        ? newest.all(before, limit)
        : newestOf.all(stream, versionAt(stream, before), limit)
      ).toReversed(),
  };
}

/** A row of the log, or a command that was archived when what was around it went. */
function kept<Key extends string | number>(db: Db, column: "seq" | "id") {
  const inLog = select<[Key]>(db, `WHERE ${column} = ? AND seq > ${CUT}`);
  const archived = select<[Key]>(db, `WHERE ${column} = ?`, "archived_commands");
  return (key: Key): EventRow | undefined => inLog.get(key) ?? archived.get(key);
}

function definitionQuery(db: Db): EventReader["definitions"] {
  const where = "stream = ? AND type IN ('service.created', 'service.changed')"; // as the index has it
  const archived = select<[string]>(db, `WHERE ${where} ORDER BY seq`, "archived_commands");
  const inLog = select<[string]>(db, `WHERE ${where} AND seq > ${CUT} ORDER BY seq`);
  return (stream) => [...archived.all(stream), ...inLog.all(stream)];
}

/** A query for rows of the log. */
function select<P extends unknown[]>(db: Db, where: string, table = "events") {
  const statement = db.prepare<P, StoredRow>(`SELECT ${COLUMNS} FROM ${table} ${where}`);
  return {
    all: (...parameters: P): EventRow[] => statement.all(...parameters).map(parsed),
    get: (...parameters: P): EventRow | undefined => {
      const row = statement.get(...parameters);
      return row && parsed(row);
    },
  };
}

const parsed = (row: StoredRow): EventRow =>
  Object.assign(row, { data: JSON.parse(row.data) as EventRow["data"] });

function* allFrom(fromSeq: EventReader["fromSeq"], seq: number, end: number): Generator<EventRow> {
  for (let next = seq; next <= end;) {
    const rows = fromSeq(next, Math.min(BATCH, end - next + 1));
    yield* rows;
    next = (rows.at(-1)?.seq ?? end) + 1;
  }
}

/** Versions follow each other, so a row that was removed meanwhile is missed; after the last page only the anchor can tell. */
function* streamFrom(
  query: (name: string, version: number, limit: number) => EventRow[],
  anchors: AnchorQueries,
  name: string,
  version: number | undefined,
): Generator<EventRow> {
  const cut = anchors.cut();
  for (let next = version, size = FIRST_BATCH; ; size = Math.min(2 * size, BATCH)) {
    const rows = query(name, next ?? 1, size);
    const [first] = rows;
    const now = anchors.cut();
    const missed = first ? next !== undefined && next > 1 && first.version !== next : now !== cut;
    if (missed && now > 0) throw eventsGone(now);
    yield* rows;
    if (rows.length < size) return;
    next = (rows.at(-1)?.version ?? 0) + 1;
  }
}

function sideTables(db: Db): Pick<EventReader, "hasSealedValues" | "sealedValue" | "keyClaim"> {
  const value = db.prepare<[string], Buffer>("SELECT sealed FROM env_values WHERE ref = ?").pluck();
  const key = db.prepare<
    [string, string],
    KeyClaim & { status: number | null; reply: string | null }
  >(
    `SELECT key, actor, request, event_id AS eventId, at, status, reply
     FROM idempotency_keys WHERE actor = ? AND key = ?`,
  );
  const any = db.prepare<[], number>("SELECT 1 FROM env_values LIMIT 1").pluck();
  return {
    hasSealedValues: () => any.get() !== undefined,
    sealedValue: (ref) => value.get(ref),
    keyClaim: (name, actor, now) => {
      const found = key.get(actor, name);
      return found && found.at > now - KEY_LIFE_MS ? keyRecord(found) : undefined;
    },
  };
}

function keyRecord(found: KeyClaim & { status: number | null; reply: string | null }): KeyRecord {
  const { status, reply, ...claim } = found;
  return { ...claim, ...(status !== null && { status }), ...(reply !== null && { reply }) };
}
