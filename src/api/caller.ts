import { hash } from "node:crypto";
import type { Socket } from "node:net";
import type { FastifyRequest } from "fastify";
import type { Caller } from "../commands/ports.ts";
import { badField } from "./refuse.ts";

/** The uid of the process at the other end of a Unix socket; undefined where the kernel does not tell. */
export type PeerUid = (socket: Socket) => number | undefined;

/** Tells who asks, and under which conditions. */
export type CallerOf = (request: FastifyRequest) => Caller;

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came; "" where there was none. */
    rawBody: string;
  }
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
};

/** `If-Match`: the quoted version that GET gave as ETag, with or without its quotes, or `*`. Source: RFC 9110, section 13.1.1. */
function ifMatch(request: FastifyRequest): Pick<Caller, "ifMatch"> {
  const value = header(request, "if-match")?.trim();
  if (value === undefined) return {};
  if (value === "*") return { ifMatch: "*" };
  const [, quoted, bare] = /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(value) ?? [];
  const version = quoted ?? bare;
  if (version !== undefined) return { ifMatch: Number(version) };
  throw badField("If-Match", value, 'one ETag of a definition, such as "3", or *');
}

function idempotencyKey(request: FastifyRequest): Pick<Caller, "key"> {
  const value = header(request, "idempotency-key");
  if (value === undefined) return {};
  if (!/^[\x20-\x7e]{1,255}$/.test(value)) {
    throw badField("Idempotency-Key", value, "1 to 255 printable ASCII characters");
  }
  const text = `${request.method}\n${request.url}\n${request.rawBody}`;
  return { key: { value, request: hash("sha256", text, "hex") } };
}

/**
 * Who asks. Over the socket: the user of the process at the other end, who may do everything, since opening the socket is
 * the right to. Over TCP: whose token came with it.
 *
 * @throws AppError `invalid_request` for an If-Match or Idempotency-Key that makes no sense
 */
export const callers = (peerUid: PeerUid): CallerOf => {
  const known = new WeakMap<Socket, string>();
  const actorOf = (socket: Socket): string => {
    const actor = known.get(socket) ?? `uid:${peerUid(socket) ?? "unknown"}`;
    known.set(socket, actor);
    return actor;
  };
  const who = ({ bearer, raw }: FastifyRequest): Pick<Caller, "actor" | "full"> =>
    bearer
      ? { actor: bearer.actor ?? `token:${bearer.name}`, full: !bearer.readOnly }
      : { actor: actorOf(raw.socket), full: true };
  return (request) => ({
    ...who(request),
    ...idempotencyKey(request),
    ...ifMatch(request),
  });
};
