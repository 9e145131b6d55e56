import type { ChangeBody, DefinitionBody } from "../api/schemas.ts";
import type { ServiceWire } from "../api/view-schemas.ts";
import { AppError } from "../base/errors.ts";
import { failureOf } from "./failure.ts";
import { exchange, type HttpReply, type HttpRequest } from "./http.ts";
import { streamedLines, type StreamedLine } from "./lines.ts";
import { reach } from "./reach.ts";

/** How long an answer that needs no work may take, in milliseconds. */
const ANSWER_MS = 30_000;

/** Longest answer that is read as a whole. */
const MAX_ANSWER_BYTES = 64 << 20;

/** What a command may carry beside its body. Absent ones are left to the daemon. */
export interface Options {
  /** A Go duration: how long to stream. */
  duration?: string | undefined;
  /** A Go duration: how long to wait for a gentle end. */
  timeout?: string | undefined;
  withDependents?: boolean | undefined;
  /** Version of the definition that the change is meant for. */
  ifMatch?: number | undefined;
}

export interface LogsOptions {
  lines?: number | undefined;
  duration?: string | undefined;
  follow?: boolean | undefined;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Lines of a command's reply as they come. Leaving early closes the connection; the command stands. */
export type ReplyStream = AsyncGenerator<StreamedLine>;

const pathOf = (name: string, verb = ""): string =>
  `/v1/services/${encodeURIComponent(name)}${verb && `/${verb}`}`;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== false);
  const text = given.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join("&");
  return text === "" ? path : `${path}?${text}`;
}

async function whole(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new AppError("internal", "the daemon's answer has no end");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/**
 * Typed calls to a daemon over its Unix socket, each over a connection of its own.
 * Every method throws the daemon's own AppError, or those of `reach` and `exchange`.
 */
export class Client {
  readonly #sockets: readonly string[];

  /** @param sockets where to look for the daemon, in order */
  constructor(sockets: readonly string[]) {
    this.#sockets = sockets;
  }

  list(): Promise<ServiceWire[]> {
    return this.#ask<ServiceWire[]>("/v1/services");
  }

  get(name: string): Promise<ServiceWire> {
    return this.#ask<ServiceWire>(pathOf(name));
  }

  /** Creates or replaces, and starts. */
  put(name: string, definition: DefinitionBody, options: Options = {}): Promise<ReplyStream> {
    return this.#command("PUT", pathOf(name), options, definition);
  }

  /** Changes the fields given; null removes one. Starts nothing that is down. */
  update(name: string, change: ChangeBody, options: Options = {}): Promise<ReplyStream> {
    return this.#command("PATCH", pathOf(name), options, change);
  }

  start(name: string, options: Options = {}): Promise<ReplyStream> {
    return this.#command("POST", pathOf(name, "start"), options);
  }

  restart(name: string, options: Options = {}): Promise<ReplyStream> {
    return this.#command("POST", pathOf(name, "restart"), options);
  }

  stop(name: string, options: Options = {}): Promise<ReplyStream> {
    return this.#command("POST", pathOf(name, "stop"), options);
  }

  /** Resolves when its process is gone and its definition removed. */
  async remove(name: string): Promise<void> {
    await whole((await this.#accepted({ method: "DELETE", path: pathOf(name) })).body);
  }

  async signal(name: string, signal: string): Promise<void> {
    const request = { ...json("POST", "/v1/services/signal", { name, signal }), headMs: ANSWER_MS };
    await whole((await this.#accepted(request)).body);
  }

  async logs(name: string, options: LogsOptions): Promise<ReplyStream> {
    const path = withQuery(pathOf(name, "logs"), { ...options });
    return streamedLines((await this.#accepted({ method: "GET", path, headMs: ANSWER_MS })).body);
  }

  /** A request as it stands; any status is an answer. */
  async raw(request: HttpRequest): Promise<HttpReply> {
    return exchange(await reach(this.#sockets), request);
  }

  /** A GET whose reply is NDJSON. @param path with its query */
  async lines(path: string): Promise<ReplyStream> {
    return streamedLines((await this.#accepted({ method: "GET", path, headMs: ANSWER_MS })).body);
  }

  async #command(
    method: string,
    path: string,
    { duration, timeout, withDependents, ifMatch }: Options,
    body?: object,
  ): Promise<ReplyStream> {
    const query = { duration, timeout, with_dependents: withDependents };
    const request = json(method, withQuery(path, query), body);
    const headers = {
      ...request.headers,
      ...(ifMatch !== undefined && { "If-Match": `"${ifMatch}"` }),
    };
    return streamedLines((await this.#accepted({ ...request, headers })).body);
  }

  async #ask<Answer>(path: string): Promise<Answer> {
    const reply = await this.#accepted({ method: "GET", path, headMs: ANSWER_MS });
    return JSON.parse(await whole(reply.body)) as Answer; // what the daemon's schema says it sends
  }

  async #accepted(request: HttpRequest): Promise<HttpReply> {
    const reply = await this.raw(request);
    if (reply.status < 400) return reply;
    throw failureOf(reply.status, await whole(reply.body));
  }
}

const json = (method: string, path: string, body?: object): HttpRequest =>
  body === undefined
    ? { method, path }
    : { method, path, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
