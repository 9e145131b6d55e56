import { AppError, type ErrorCode } from "../base/errors.ts";
import { socketPlaces } from "../config/places.ts";
import { type ExecPiece, piecesOf } from "./pieces.ts";
import { again } from "./again.ts";
import { socketEndpoint, urlEndpoint, type Endpoint } from "./endpoint.ts";
import { followed, rowsOf, type EventsOptions } from "./events.ts";
import { failureOf } from "./failure.ts";
import { exchange, type HttpReply, type HttpRequest } from "./http.ts";
import { jsonLines, whole } from "./lines.ts";
import type {
  CallOptions,
  ClientOptions,
  ExecOptions,
  ListOptions,
  LogsOptions,
  Options,
} from "./options.ts";
import { Past } from "./past.ts";
import type {
  EventRecord,
  Health,
  InspectorTicket,
  LogHead,
  Machines,
  Component,
  ConfigPlan,
  Projection,
  Service,
  ServiceChange,
  ServiceDefinition,
  StreamLine,
  Usage,
} from "./types.ts";

export { AppError, type ErrorCode };
export type { ExecPiece } from "./pieces.ts";
export type {
  CallOptions,
  ClientOptions,
  ExecOptions,
  ListOptions,
  LogsOptions,
  Options,
} from "./options.ts";
export type { EventsOptions, HttpReply, HttpRequest };
export type { Past } from "./past.ts";
export type {
  EventRecord,
  Health,
  InspectorTicket,
  LogHead,
  Machines,
  Component,
  ConfigPlan,
  Projection,
  Service,
  ServiceChange,
  ServiceDefinition,
  ServiceState,
  StreamLine,
  Usage,
} from "./types.ts";

/** How long an answer that needs no work may take, in milliseconds. */
const ANSWER_MS = 30_000;
/** How long a daemon that went away in the middle is waited for, in milliseconds. */
const RETRY_MS = 10_000;

/** A command's options, and the one that only a rollback has. */
type Commanded = Options & { version?: number | undefined };

/** Lines of a reply as they come. Leaving early closes the connection; a command that was taken stands. */
export type ReplyStream = AsyncGenerator<StreamLine, void>;

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== false);
  const text = given
    .flatMap(([key, value]) => [value].flat().map((one) => [key, String(one)] as const))
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
  return text === "" ? path : `${path}?${text}`;
}

const pathOf = (name: string, verb = ""): string =>
  `/services/${encodeURIComponent(name)}${verb && `/${verb}`}`;

function endpointOf({ socket, url, token }: ClientOptions): Endpoint {
  const env = process.env;
  if (socket !== undefined && url !== undefined)
    throw new AppError("invalid_request", "a socket and a URL are given: name one of them");
  const base = url ?? (socket === undefined ? env["SPRITE_ENV_URL"] : undefined);
  if (base) return urlEndpoint(base, token ?? (env["SPRITE_HTTP_API_TOKEN"] || undefined));
  return socketEndpoint(
    socket === undefined ? socketPlaces(env, process.getuid?.() ?? -1) : [socket].flat(),
  );
}

/**
 * Typed calls to a daemon over its Unix socket or its TCP listener, each over a connection of its own.
 *
 * One method for each call of the API, however many; what they share is beside them, in this folder.
 *
 * Every method throws an AppError whose `code` says what happened: the daemon's own, `daemon_unreachable`, `unauthorized` or `timed_out`.
 * A command is sent again where its reply was lost before it began, with the same idempotency key, so that it is carried out once.
 */
export class Client {
  readonly #endpoint: Endpoint;
  readonly #options: ClientOptions;
  readonly #base: string;
  /** Questions about any moment of the past. */
  readonly past = new Past((path, query) => this.#ask(this.#base + withQuery(path, query)));

  /** @throws AppError `invalid_request` for a URL or token that cannot be one */
  constructor(options: ClientOptions = {}) {
    this.#endpoint = endpointOf(options);
    this.#options = options;
    this.#base =
      options.sprite === undefined ? "/v1" : `/v1/sprites/${encodeURIComponent(options.sprite)}`;
  }

  /** All services, or those with all of some labels, by name. Values of their variables are shown by `get` alone. */
  list({ labels = {}, ...call }: ListOptions = {}): Promise<Service[]> {
    const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    return this.#ask<Service[]>(this.#base + withQuery("/services", { label }), call);
  }

  /** @throws AppError `service_not_found` */
  get(name: string, call?: CallOptions): Promise<Service> {
    return this.#ask<Service>(this.#base + pathOf(name), call);
  }

  /** Creates or replaces, and starts. */
  put(name: string, definition: ServiceDefinition, options?: Options): Promise<ReplyStream> {
    return this.#stream("PUT", pathOf(name), options, definition);
  }

  /** Changes the fields given; null removes one. Starts nothing that is down. */
  update(name: string, change: ServiceChange, options?: Options): Promise<ReplyStream> {
    return this.#stream("PATCH", pathOf(name), options, change);
  }

  /**
   * Gives a service an earlier definition again, as a new version.
   *
   * @param version the one to go back to; undefined is the one before the newest
   * @throws AppError `version_not_found`
   */
  rollback(name: string, version: number | undefined, options?: Options): Promise<ReplyStream> {
    return this.#stream("POST", pathOf(name, "rollback"), { ...options, version });
  }

  start(name: string, options?: Options): Promise<ReplyStream> {
    return this.#stream("POST", pathOf(name, "start"), options);
  }

  restart(name: string, options?: Options): Promise<ReplyStream> {
    return this.#stream("POST", pathOf(name, "restart"), options);
  }

  /** @throws AppError `service_stopped` for what is stopped already, `service_needed` while another service needs it */
  stop(name: string, options?: Options): Promise<ReplyStream> {
    return this.#stream("POST", pathOf(name, "stop"), options);
  }

  /** Resolves when its process is gone and its definition removed. */
  async remove(name: string, options?: Options): Promise<void> {
    await whole((await this.#command("DELETE", pathOf(name), options)).body);
  }

  /** @param signal its name, with SIG or without */
  async signal(name: string, signal: string, options?: Options): Promise<void> {
    const { timeoutMs: headMs = ANSWER_MS } = this.#options;
    const body = { name, signal };
    await whole((await this.#command("POST", "/services/signal", options, body, headMs)).body);
  }

  /** What a service wrote. */
  async logs(name: string, { signal, ...how }: LogsOptions = {}): Promise<ReplyStream> {
    return this.#lines<StreamLine>(
      this.#base + withQuery(pathOf(name, "logs"), { ...how }),
      signal,
    );
  }

  /** Rows of the event log; with `follow` also those that come, over any loss of the connection. */
  events(options: EventsOptions = {}): AsyncGenerator<EventRecord, void> {
    const source = {
      rows: (asked: EventsOptions) => this.#rows(asked),
      head: () => this.head({ signal: options.signal }),
    };
    return options.follow ? followed(source, options) : once(source.rows(options));
  }

  /** Where the event log ends. */
  head(call?: CallOptions): Promise<LogHead> {
    return this.#ask<LogHead>(`${this.#base}/events/head`, call);
  }

  /**
   * Makes a read model anew from the event log, while the daemon goes on; resolves when it follows the log again.
   *
   * @param name `services`
   * @throws AppError `not_found`, `storage_failed`
   */
  async rebuildProjection(name: string, options?: Options): Promise<Projection> {
    const path = `/projections/${encodeURIComponent(name)}/rebuild`;
    const text = await whole((await this.#command("POST", path, options)).body);
    return JSON.parse(text) as Projection; // what the daemon's schema says it sends
  }

  /** Has the daemon read its configuration file again and hold the services to it. @throws where it cannot be taken: nothing is changed then */
  async reloadConfig(options?: Options): Promise<ConfigPlan> {
    const text = await whole((await this.#command("POST", "/config/reload", options)).body);
    return JSON.parse(text) as ConfigPlan; // what the daemon's schema says it sends
  }

  /**
   * Lets a browser of the daemon's machine into the inspector: an address that is good once, for a minute.
   *
   * @throws AppError `socket_unusable` where the daemon cannot listen for browsers
   */
  async inspectorTicket(
    { readOnly = false }: { readOnly?: boolean } = {},
    options?: Options,
  ): Promise<InspectorTicket> {
    const body = { read_only: readOnly };
    const text = await whole(
      (await this.#command("POST", "/inspector/tickets", options, body)).body,
    );
    return JSON.parse(text) as InspectorTicket; // what the daemon's schema says it sends
  }

  /** Processor time and memory of services. */
  usage(call?: CallOptions): Promise<Usage> {
    return this.#ask<Usage>(`${this.#base}/usage`, call);
  }

  /** The state machines that decide about everything, as graphs. */
  machines(call?: CallOptions): Promise<Machines> {
    return this.#ask<Machines>(`${this.#base}/machines`, call);
  }

  /** The daemon's read models: how far each has read, and whether it is in use. */
  /**
   * Runs a command beside the main process, once both can run. Leaving the pieces early ends it.
   *
   * @param command the program and its arguments
   * @throws AppError `environment_not_ready`
   */
  async exec(
    command: readonly string[],
    { env = {}, dir, path, stdin, signal }: ExecOptions = {},
  ): Promise<AsyncGenerator<ExecPiece, void>> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const query = { cmd: command, env: variables, dir, path, stdin: stdin !== undefined };
    const request: HttpRequest = {
      method: "POST",
      path: this.#base + withQuery("/exec", query),
      ...(stdin !== undefined && { body: stdin }),
      signal,
    };
    return piecesOf((await this.#accepted(request)).body);
  }

  /** Components, in the order in which they start. */
  components(call?: CallOptions): Promise<Component[]> {
    return this.#ask<Component[]>(`${this.#base}/components`, call);
  }

  /** What reloading the daemon's configuration file would do. @throws where the daemon has none, or cannot take it */
  configPlan(call?: CallOptions): Promise<ConfigPlan> {
    return this.#ask<ConfigPlan>(`${this.#base}/config/plan`, call);
  }

  projections(call?: CallOptions): Promise<Projection[]> {
    return this.#ask<Projection[]>(`${this.#base}/projections`, call);
  }

  /** Whether the daemon answers. */
  health(call?: CallOptions): Promise<Health> {
    return this.#ask<Health>("/healthz", call);
  }

  /** Prometheus' text format. */
  metrics(call?: CallOptions): Promise<string> {
    return this.#text("/metrics", call);
  }

  /** The OpenAPI 3.1 document of the API. */
  openapi(call?: CallOptions): Promise<Record<string, unknown>> {
    return this.#ask("/openapi.json", call);
  }

  /** A request as it stands; any status is an answer. */
  async raw(request: HttpRequest): Promise<HttpReply> {
    const { headers, prefix } = this.#endpoint;
    request.signal?.throwIfAborted();
    return exchange(await this.#endpoint.open(), {
      ...request,
      path: prefix + request.path,
      headers: { ...headers, ...request.headers },
    });
  }

  async #rows(options: EventsOptions): Promise<AsyncGenerator<EventRecord, void>> {
    const { service, kind, types = [], from, limit, follow, signal } = options;
    const type = types.length > 0 ? types.join(",") : undefined;
    const query = { service, kind, type, from, limit, follow };
    return rowsOf(await this.#lines(withQuery(`${this.#base}/events`, query), signal));
  }

  async #lines<Line>(
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<AsyncGenerator<Line, void>> {
    return jsonLines<Line>((await this.#accepted(this.#question(path, signal))).body);
  }

  async #stream(
    method: string,
    path: string,
    options?: Commanded,
    body?: object,
  ): Promise<ReplyStream> {
    return jsonLines<StreamLine>((await this.#command(method, path, options, body)).body);
  }

  #command(
    method: string,
    path: string,
    { version, duration, timeout, withDependents, ifMatch, ...options }: Commanded = {},
    body?: object,
    headMs?: number,
  ): Promise<HttpReply> {
    const { retryMs = RETRY_MS, onRetry } = this.#options;
    const { idempotencyKey, signal } = options;
    const query = { version, duration, timeout, with_dependents: withDependents };
    const request: HttpRequest = {
      method,
      path: this.#base + withQuery(path, query),
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(ifMatch !== undefined && { "If-Match": `"${ifMatch}"` }),
        "Idempotency-Key": idempotencyKey ?? crypto.randomUUID(),
      },
      ...(body && { body: JSON.stringify(body) }),
      headMs,
      signal,
    };
    return again(() => this.#accepted(request), { retryMs, signal, onRetry });
  }

  async #ask<Answer>(path: string, call?: CallOptions): Promise<Answer> {
    return JSON.parse(await this.#text(path, call)) as Answer; // what the daemon's schema says it sends
  }

  async #text(path: string, call: CallOptions = {}): Promise<string> {
    return whole((await this.#accepted(this.#question(path, call.signal))).body);
  }

  #question(path: string, signal: AbortSignal | undefined): HttpRequest {
    return { method: "GET", path, headMs: this.#options.timeoutMs ?? ANSWER_MS, signal };
  }

  async #accepted(request: HttpRequest): Promise<HttpReply> {
    const reply = await this.raw(request);
    if (reply.status < 400) return reply;
    throw failureOf(reply.status, await whole(reply.body));
  }
}

async function* once<Item>(items: Promise<AsyncIterable<Item>>): AsyncGenerator<Item, void> {
  yield* await items;
}
