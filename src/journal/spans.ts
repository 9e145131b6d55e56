import { CUT } from "./anchor.ts";
import type { LastRow, StreamEnd, StreamSpan } from "./event-reader.ts";
import type { Db } from "./sqlite.ts";

/** Leaps from stream to stream in the index, which has them in order. */
const NAMES = `
  WITH RECURSIVE name(stream) AS (
    SELECT min(stream) FROM events
    UNION ALL
    SELECT (SELECT min(stream) FROM events WHERE events.stream > name.stream) FROM name WHERE name.stream IS NOT NULL
  )
  SELECT stream FROM name WHERE stream IS NOT NULL`;

interface Place {
  version: number;
  seq: number;
  at: number;
  wall: number;
  schema: number;
  toState: string;
}

interface StreamQueries {
  streams(): StreamEnd[];
  spans(): StreamSpan[];
  endOf(stream: string): LastRow | undefined;
}

const RESTING = `SELECT stream, version, seq, at, wall FROM anchor_states WHERE anchor = ${CUT}`;

/** Reads which streams there are and where each begins and ends: costs the number of streams, not of rows. */
export function spanQueries(db: Db): StreamQueries {
  const names = db.prepare<[], string>(NAMES).pluck();
  const anchored = db.prepare<[], LastRow>(RESTING);
  const anchoredOne = db.prepare<[string], LastRow>(`${RESTING} AND stream = ?`);
  const first = edge(db, "ASC");
  const last = edge(db, "DESC");
  const withRows = (stream: string, isAnchored: boolean): StreamSpan[] => {
    const [begin, end] = [first.get(stream), last.get(stream)];
    if (!begin || !end) return []; // all of it is being removed
    const { schema, toState, ...place } = end;
    const span = { stream, ...place, firstSeq: begin.seq, anchored: isAnchored };
    return [{ ...span, last: { schema, toState } }];
  };
  const spans = (): StreamSpan[] => {
    const resting = new Map(anchored.all().map((one) => [one.stream, one]));
    const found = names.all().flatMap((stream) => withRows(stream, resting.has(stream)));
    for (const { stream } of found) resting.delete(stream);
    const rest = [...resting.values()].map((one) => ({
      ...one,
      firstSeq: Infinity,
      anchored: true,
    }));
    return [...found, ...rest].toSorted((one, other) => (one.stream < other.stream ? -1 : 1));
  };
  return {
    spans: () => db.transaction(spans)(),
    streams: () =>
      db
        .transaction(spans)()
        .map(({ stream, version }) => ({ stream, version })),
    endOf: (stream) => {
      const end = last.get(stream);
      if (!end) return anchoredOne.get(stream);
      const { version, seq, at, wall } = end;
      return { stream, version, seq, at, wall };
    },
  };
}

const edge = (db: Db, order: "ASC" | "DESC") =>
  db.prepare<[string], Place>(
    `SELECT version, seq, at, wall, schema, to_state AS toState FROM events
     WHERE stream = ? AND seq > ${CUT} ORDER BY version ${order} LIMIT 1`,
  );
