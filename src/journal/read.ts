import { openForReading } from "./database.ts";
import type { EventReader, KeyRecord, NewestFilter, StreamEnd } from "./event-reader.ts";
import { lastRow } from "./head.ts";
import { KEY_LIFE_MS, type KeyClaim } from "./journal.ts";
import type { EventRow } from "./record.ts";
import type { Db } from "./sqlite.ts";

/** Rows a query fetches at a time: no transaction stays open between them, so that a slow reader never holds up a checkpoint. */
const BATCH = 500;

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
  const rows = rowQueries(db);
  return {
    ...rows,
    head: () => ({ ...lastRow(db), at: rows.newest(1)[0]?.at ?? 0 }),
    all: (seq = 1) => allFrom(rows.fromSeq, seq, lastRow(db).seq),
    ...sideTables(db),
    close: () => void db.close(),
  };
}

type RowQueries = Omit<
  EventReader,
  "head" | "all" | "hasSealedValues" | "sealedValue" | "keyClaim" | "close"
>;

function rowQueries(db: Db): RowQueries {
  const from = select<[number, number]>(db, "WHERE seq >= ? ORDER BY seq LIMIT ?");
  const inStream = select<[string, number, number]>(
    db,
    "WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?",
  );
  const fromIn = select<[string, number, number]>(
    db,
    "WHERE stream = ? AND seq >= ? ORDER BY version LIMIT ?",
  );
  const last = select<[string]>(db, "WHERE stream = ? ORDER BY version DESC LIMIT 1");
  const bySeq = select<[number]>(db, "WHERE seq = ?");
  const byId = select<[string]>(db, "WHERE id = ?");
  const newest = select<[number, number]>(db, "WHERE seq < ? ORDER BY seq DESC LIMIT ?");
  const newestOf = select<[string, number, number]>(
    db,
    "WHERE stream = ? AND seq < ? ORDER BY version DESC LIMIT ?",
  );
  const first = db.prepare<[], number>("SELECT seq FROM events ORDER BY seq LIMIT 1").pluck();
  const streams = db.prepare<[], StreamEnd>(STREAMS);
  return {
    firstSeq: () => first.get() ?? lastRow(db).seq + 1,
    fromSeq: from.all,
    fromSeqIn: fromIn.all,
    stream: (name, version = 1) => streamFrom(inStream.all, name, version),
    streams: () => streams.all(),
    bySeq: bySeq.get,
    byId: byId.get,
    lastOf: last.get,
    newest: (limit, { stream, before = Number.MAX_SAFE_INTEGER }: NewestFilter = {}) =>
      (stream === undefined
        ? newest.all(before, limit)
        : newestOf.all(stream, before, limit)
      ).toReversed(),
  };
}

/** Leaps from stream to stream in the index, which has them in order. */
const STREAMS = `
  WITH RECURSIVE name(stream) AS (
    SELECT min(stream) FROM events
    UNION ALL
    SELECT (SELECT min(stream) FROM events WHERE events.stream > name.stream) FROM name WHERE name.stream IS NOT NULL
  )
  SELECT stream, (SELECT max(version) FROM events WHERE events.stream = name.stream) AS version
  FROM name WHERE stream IS NOT NULL`;

/** A query for rows of the log. */
function select<P extends unknown[]>(db: Db, where: string) {
  const statement = db.prepare<P, StoredRow>(`SELECT ${COLUMNS} FROM events ${where}`);
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

function* streamFrom(
  query: (name: string, version: number, limit: number) => EventRow[],
  name: string,
  version: number,
): Generator<EventRow> {
  for (let next = version; ;) {
    const rows = query(name, next, BATCH);
    yield* rows;
    if (rows.length < BATCH) return;
    next = (rows.at(-1)?.version ?? next) + 1;
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
