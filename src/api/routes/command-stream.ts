import type { FastifyReply, FastifyRequest } from "fastify";
import { parseDuration } from "../../base/duration.ts";
import type { Caller, ServiceCommands, StreamLine } from "../../commands/ports.ts";
import type { CallerOf } from "../caller.ts";
import type { Streams } from "../ndjson-reply.ts";
import { emptyBody, nameParams, type NameParams } from "../schemas.ts";
import { encodeStreamLine } from "../stream-lines.ts";
import { errorView, streamLine } from "../view-schemas.ts";

export interface ServiceRoutesOptions {
  services: ServiceCommands;
  callerOf: CallerOf;
  streams: Streams;
  /** Where services run that name no directory. */
  defaultDir: string;
}

/** A request that names a service in its path. */
export type Named = { Params: NameParams };

/** Sends what a command tells, asked as whoever sent the request. */
type CommandStream = (
  request: FastifyRequest,
  reply: FastifyReply,
  ask: (caller: Caller) => Promise<AsyncIterable<StreamLine>>,
) => Promise<void>;

/** How long a stream is watched when nobody says, in milliseconds. */
const WATCH_MS = 5_000;

/** What a stream answers with: lines, or an error before the first. */
export const streamReplies = { 200: streamLine, "4xx": errorView, "5xx": errorView } as const;

/** Schema of a command on a service that has no body. */
export const commandSchema = <const Query>(querystring: Query) => ({
  params: nameParams,
  body: emptyBody,
  querystring,
  response: streamReplies,
});

export const commandStream =
  ({ callerOf, streams }: Pick<ServiceRoutesOptions, "callerOf" | "streams">): CommandStream =>
  (request, reply, ask) => {
    const caller = callerOf(request);
    return streams.send(reply, () => ask(caller), encodeStreamLine);
  };

/** For how long a stream is watched, in milliseconds. */
export const watchMs = (text: string | undefined, field = "duration"): number =>
  text === undefined ? WATCH_MS : parseDuration(text, field);
