import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { encodeLine } from "../../base/ndjson.ts";
import type { EventRow } from "../../journal/record.ts";
import { onlyMethods } from "../methods.ts";
import type { Streams } from "../ndjson-reply.ts";
import { eventsQuery, noQuery, type EventsQuery } from "../schemas.ts";

/** Where the log ends, and where it is: a client on the same machine reads it there itself. */
export interface LogHead {
  /** The last row's number and hash; 0 and the genesis hash where the log is empty. */
  seq: number;
  hash: string;
  /** The daemon's state directory. */
  stateDir?: string;
}

/** Questions about the past. */
export interface EventQueries {
  /** At most `limit` rows from a sequence number on, in order; of one service where it is named. */
  page(from: number, limit: number, service?: string): EventRow[];
  /** Rows from a sequence number on as they are committed, without loss or repeat, until the signal is given. */
  follow(from: number, service: string | undefined, until: AbortSignal): AsyncIterable<EventRow>;
  head(): LogHead;
}

export interface EventRoutesOptions {
  events: EventQueries;
  streams: Streams;
}

/** Rows read at a time: small enough that other requests are answered in between. */
const PAGE = 500;

/** A row as it is sent: its columns by their names. */
export const eventWire = (row: EventRow) => ({
  seq: row.seq,
  id: row.id,
  stream: row.stream,
  version: row.version,
  type: row.type,
  schema: row.schema,
  data: row.data,
  at: row.at,
  wall: row.wall,
  boot_id: row.bootId,
  incarnation: row.incarnation,
  cause: row.cause,
  correlation: row.correlation,
  actor: row.actor,
  from_state: row.fromState,
  to_state: row.toState,
  prev_hash: row.prevHash,
  hash: row.hash,
});

/** The end of the log as it is sent. */
const headWire = ({ seq, hash, stateDir }: LogHead) => ({
  seq,
  hash,
  state_dir: stateDir,
});

/** The end of the log on the wire. */
export type HeadWire = ReturnType<typeof headWire>;

/** One row of the log on the wire. */
export type EventWire = ReturnType<typeof eventWire>;

/** What is in the log already, page by page; returns where the next row would be. */
async function* stored(
  events: EventQueries,
  from: number,
  service: string | undefined,
): AsyncGenerator<EventRow, number> {
  let next = from;
  for (;;) {
    const rows = events.page(next, PAGE, service);
    yield* rows;
    const last = rows.at(-1);
    if (!last) return next;
    next = last.seq + 1;
    await setImmediate();
  }
}

async function* asked(
  events: EventQueries,
  query: EventsQuery,
  left: AbortSignal,
): AsyncGenerator<EventRow, void> {
  const next = yield* stored(events, query.from ?? 1, query.service);
  if (query.follow) yield* events.follow(next, query.service, left);
}

/** The first so many of what comes; leaving ends the source, too. */
async function* first<Item>(items: AsyncIterable<Item>, limit: number): AsyncGenerator<Item, void> {
  let left = limit;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left === 0) return;
  }
}

/** The event log as NDJSON, one row a line, and its head. */
export const eventRoutes =
  ({ events, streams }: EventRoutesOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Querystring: EventsQuery }>(
      "/events",
      { exposeHeadRoute: false, schema: { querystring: eventsQuery } },
      async ({ query }, reply) => {
        const rows = (left: AbortSignal) =>
          first(asked(events, query, left), query.limit ?? Infinity);
        await streams.send(reply, rows, (row) => encodeLine(eventWire(row)));
      },
    );
    onlyMethods(app, "/events", ["GET"]);

    app.get("/events/head", { schema: { querystring: noQuery } }, async () =>
      headWire(events.head()),
    );
    onlyMethods(app, "/events/head", ["GET", "HEAD"]);
  };
