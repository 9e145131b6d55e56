import type { FastifyInstance, FastifyRequest } from "fastify";
import { encodeLine } from "../../base/ndjson.ts";
import { eventView, headView, type HeadWire } from "../event-wire.ts";
import type { EventFormat } from "../feed/encoding.ts";
import type { EventFeed, EventLog, EventsAsked } from "../feed/feed.ts";
import type { EventFilter } from "../feed/filter.ts";
import { onlyMethods } from "../methods.ts";
import { NDJSON, SSE, type Streams } from "../ndjson-reply.ts";
import { badField } from "../refuse.ts";
import { eventsQuery, noQuery, type EventsQuery } from "../schemas.ts";

interface EventRoutesOptions {
  log: EventLog;
  feed: EventFeed;
  streams: Streams;
}

/** Whether a client would rather have server-sent events. Source: RFC 9110, section 12.5.1. */
function wantsSse(request: FastifyRequest): boolean {
  const ranges = (request.headers.accept ?? "").toLowerCase().split(",");
  return ranges.some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    return type === SSE && !parameters.some((one) => /^q=0(\.0*)?$/.test(one));
  });
}

/** The event after the one that a client saw last, where it says which: a browser that comes back asks with the query it began with. */
function resumeFrom(request: FastifyRequest): number | undefined {
  const last = request.headers["last-event-id"];
  if (last === undefined || last === "") return undefined;
  const seq = /^\d{1,15}$/.test(String(last)) ? Number(last) : undefined;
  if (seq === undefined) throw badField("Last-Event-ID", last, "the seq of an event");
  return seq + 1;
}

const filterOf = ({ service, kind, type }: EventsQuery): EventFilter => ({
  ...(service !== undefined && { service }),
  ...(kind !== undefined && { kind }),
  ...(type !== undefined && { types: type.split(",") }),
});

function askedOf(request: FastifyRequest, query: EventsQuery, log: EventLog): EventsAsked {
  const format: EventFormat = wantsSse(request) ? "sse" : "ndjson";
  return {
    from: resumeFrom(request) ?? query.from ?? log.firstSeq(),
    filter: filterOf(query),
    limit: query.limit ?? Infinity,
    follow: query.follow ?? format === "sse", // a browser comes back as soon as an answer ends
    format,
  };
}

/** How a stream that broke off ends. A browser comes back by itself and gets the status that says why. */
const BROKEN = {
  ndjson: (message: string) => encodeLine({ type: "error", data: message, timestamp: Date.now() }),
  sse: (message: string) => `: ${message.replace(/\s+/g, " ")}\n\n`,
} as const satisfies Record<EventFormat, (message: string) => string>;

/** The event log as NDJSON or server-sent events, and its head. */
export const eventRoutes =
  ({ log, feed, streams }: EventRoutesOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Querystring: EventsQuery }>(
      "/events",
      {
        exposeHeadRoute: false,
        schema: { querystring: eventsQuery, response: { 200: eventView } },
      },
      async (request, reply) => {
        const asked = askedOf(request, request.query, log);
        feed.refuseGone(asked.from);
        const type = asked.format === "sse" ? SSE : NDJSON;
        await streams.open(reply, type, (reader) => feed.send(reader, asked), BROKEN[asked.format]);
      },
    );
    onlyMethods(app, "/events", ["GET"]);

    app.get(
      "/events/head",
      { schema: { querystring: noQuery, response: { 200: headView } } },
      async ({ bearer }): Promise<HeadWire> => {
        const { seq, hash, stateDir } = log.head();
        const isHere = bearer === undefined; // whoever came over TCP may be elsewhere, with a directory of that name, too
        return {
          seq,
          hash,
          first: log.firstSeq(),
          ...(isHere && stateDir !== undefined && { state_dir: stateDir }),
        };
      },
    );
    onlyMethods(app, "/events/head", ["GET", "HEAD"]);
  };
