import type { ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import { AppError } from "../base/errors.ts";
import { jsonProblem } from "../base/json.ts";
import type { Logger } from "../base/logger.ts";
import { shippedFolder, type Unpack } from "../base/parts.ts";
import type { ComponentView } from "../commands/components.ts";
import type { Readiness, RunCommand } from "../commands/exec.ts";
import type { ConfigCommands, ServiceCommands } from "../commands/ports.ts";
import { addressText, type ListenAddress } from "../config/listen.ts";
import type { Config } from "../config/schema.ts";
import type { ApiToken } from "../config/tokens.ts";
import { assetRoutes } from "./assets.ts";
import { callers, type PeerUid } from "./caller.ts";
import { guardDoor } from "./door/door.ts";
import {
  cutStalled,
  listenOnTcp,
  TCP_LIMITS,
  type TcpLimits,
  type TcpListener,
} from "./door/tcp.ts";
import { Sessions, type SessionStore } from "./door/sessions.ts";
import { errorSender } from "./error-handler.ts";
import { EventFeed, type EventLog } from "./feed/feed.ts";
import { countRequests } from "./metrics/http-counts.ts";
import type { MetricsSource } from "./metrics/source.ts";
import { createStreams, type StreamLimits } from "./ndjson-reply.ts";
import { compileSchema } from "./refuse.ts";
import { catalogueRoutes } from "./openapi/catalogue.ts";
import { componentRoutes } from "./routes/components.ts";
import { configurationRoutes } from "./routes/configuration.ts";
import { type DebugProcesses, debugRoutes } from "./routes/debug.ts";
import { docsRoutes } from "./routes/docs.ts";
import { eventRoutes } from "./routes/events.ts";
import { execRoutes } from "./routes/exec.ts";
import { healthRoutes } from "./routes/health.ts";
import { type MachineTold, machineRoutes } from "./routes/machines.ts";
import { sessionRoutes, ticketRoutes } from "./routes/inspector.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { type Past, pastRoutes } from "./routes/past.ts";
import { projectionRoutes, type Projections } from "./routes/projections.ts";
import { serviceCommandRoutes } from "./routes/service-commands.ts";
import { serviceRoutes } from "./routes/services.ts";
import { storageRoutes } from "./routes/storage.ts";
import { usageRoutes, type UsageSource } from "./routes/usage.ts";
import { listenOnSocket } from "./socket.ts";

/** What is kept of browsers over the daemon's end. */
export interface BrowserPlace {
  /** Where they came in last; 0: nowhere. */
  port(): number;
  noteReached(port: number): void;
  sessions: SessionStore;
}

export interface ApiOptions {
  services: ServiceCommands;
  events: EventLog;
  config: Pick<
    Config,
    | "socketPath"
    | "socketMode"
    | "socketGroup"
    | "spriteName"
    | "defaultDir"
    | "apiListen"
    | "apiHosts"
    | "inspectorListen"
  >;
  metrics: MetricsSource;
  projections: Projections;
  configuration: ConfigCommands;
  past: Past;
  machines: () => readonly MachineTold[];
  usage: UsageSource;
  /** In the order in which they start. */
  components: () => readonly ComponentView[];
  exec: { run: RunCommand; readiness: Readiness };
  /** Only in a daemon that was started for it. */
  debug?: DebugProcesses;
  browsers: BrowserPlace;
  /** Whose holders may use the API over TCP. */
  tokens: readonly ApiToken[];
  logger: Logger;
  /** Of the package: sent with every answer as Sprite-Version. */
  version: string;
  peerUid: PeerUid;
  /** For the files of the pages. */
  unpack: Unpack;
  /** All but /healthz wait for it: until then the actors are those of the last daemon. */
  booted: Promise<void>;
  /** Of connections over TCP; by default `TCP_LIMITS`. */
  limits?: Partial<TcpLimits>;
}

/** The API of the daemon. */
export interface ApiServer {
  /** For requests without a socket, in tests. */
  readonly app: FastifyInstance;
  /**
   * Listens on the socket, and on TCP where that is configured.
   *
   * @returns where on TCP, with the port that it got
   * @throws AppError `socket_unusable` or `config_invalid`
   */
  listen(): Promise<string | undefined>;
  /** Takes no more requests, ends streams, gives other answers a moment, then closes and removes the socket. */
  close(): Promise<void>;
}

/** Longest request body, in bytes. */
const BODY_LIMIT = 1_048_576;

/** Connections at once. Each costs a descriptor; most daemons may have 1024. */
const MAX_CONNECTIONS = 512;
/** Streams at once: fewer than connections, so that a short question always finds room. */
const MAX_STREAMS: StreamLimits = { local: 256, remote: 128 };
/** A client on this machine that takes nothing for so long is cut, in milliseconds: a pager may stand still for a while. */
const LOCAL_STALL_MS = 900_000;
/** Time that answers under way get when the server closes, in milliseconds. */
const CLOSE_MS = 1_000;

/** Times, in milliseconds, are for sending a request; an answer may take as long as it likes. */
const HTTP_OPTIONS: ServerOptions = {
  maxHeaderSize: 16_384,
  requireHostHeader: false, // over the socket any name will do
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
};

/** JSON, whatever content type came with it: `curl -d` says that it sends a form. */
function readJson(request: FastifyRequest, text: string): unknown {
  request.rawBody = text;
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError("invalid_request", `the body is not JSON: ${jsonProblem(error)}`);
  }
}

function takeJson(app: FastifyInstance): void {
  app.decorateRequest("rawBody", "");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "string" },
    async (request: FastifyRequest, text: string) => readJson(request, text),
  );
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** Answers what is not HTTP, or too slow, or has headers that are too long. No request exists yet, so it is written by hand. */
const refuseConnection =
  (version: string, patient: WeakSet<Socket>) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && patient.has(socket)) return;
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const body = JSON.stringify({ error: "invalid_request", message: error.message });
    socket.write(
      `HTTP/1.1 ${STATUS_LINES[error.code ?? ""] ?? "400 Bad Request"}\r\nSprite-Version: ${version}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
    socket.destroySoon(); // not only our half: whoever drips would keep the other open
  };

/** Only our own sprite is here. */
const onlySprite =
  (spriteName: string) =>
  async (request: FastifyRequest): Promise<void> => {
    const { sprite } = request.params as { sprite: string }; // the prefix has it
    if (sprite === spriteName) return;
    throw new AppError(
      "not_found",
      `there is no sprite named "${sprite}" here: this one is "${spriteName}"`,
    );
  };

function build(options: ApiOptions, patient: WeakSet<Socket>): FastifyInstance {
  const { logger, version } = options;
  const sendError = errorSender(logger, BODY_LIMIT);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    http: HTTP_OPTIONS,
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    return503OnClosing: false, // its body would have another shape; streams and commands refuse by themselves
    forceCloseConnections: "idle",
    clientErrorHandler: refuseConnection(version, patient),
    frameworkErrors: (error, request, reply) => {
      void reply.header("sprite-version", version);
      sendError(error, request, reply);
    },
  });
  app.setValidatorCompiler(compileSchema);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value)); // keys in the order we give them
  takeJson(app);
  app.decorateReply("isStream", false);
  app.addHook("onRequest", async (_, reply) => void reply.header("sprite-version", version));
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request) => {
    throw new AppError("not_found", `there is no ${request.url.split("?")[0]}`);
  });
  return app;
}

/** What browsers may call us: the names of this machine and of the sprite, `sprite` on the socket, and those of the configuration. */
const ownNames = ({ spriteName, apiHosts }: ApiOptions["config"]): ReadonlySet<string> =>
  new Set(
    ["localhost", "sprite", hostname(), spriteName, ...apiHosts].map((name) => name.toLowerCase()),
  );

/** The listener for browsers is closed so soon after the last has left, in milliseconds. */
const UNUSED_MS = 30_000;

/** The API on its listeners. */
class Listeners {
  readonly #app: FastifyInstance;
  readonly #options: ApiOptions;
  readonly #remote = new WeakSet<Socket>();
  readonly #patient: WeakSet<Socket>;
  #removeSocket: (() => void) | undefined;
  #tcp: TcpListener | undefined;
  #browsers: Promise<TcpListener> | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(app: FastifyInstance, options: ApiOptions, patient: WeakSet<Socket>) {
    this.#app = app;
    this.#patient = patient;
    this.#options = options;
    app.server.maxConnections = MAX_CONNECTIONS;
    cutStalled(app.server, LOCAL_STALL_MS);
  }

  /** Whether a connection came over TCP. */
  readonly isRemote = (socket: Socket): boolean => this.#remote.has(socket);

  async open(): Promise<string | undefined> {
    const { socketPath: path, socketMode: mode, socketGroup: group } = this.#options.config;
    this.#removeSocket = await listenOnSocket({ path, mode, group }, (at) =>
      this.#app.listen({ path: at }),
    );
    const { apiListen: address } = this.#options.config;
    if (!address) return undefined;
    try {
      this.#tcp = await this.#openTcp(address);
    } catch (error) {
      this.refuseMore();
      throw error;
    }
    return addressText(this.#tcp.address);
  }

  /** Opens the listener for browsers of this machine; it closes by itself when none is in any more. */
  async openForBrowsers(sessions: Sessions): Promise<ListenAddress> {
    this.#browsers ??= this.#openWhereTheyWere();
    const opening = this.#browsers;
    try {
      const { address } = await opening;
      this.#looking ??= setInterval(() => {
        if (!sessions.isUsed) void this.#closeForBrowsers();
      }, UNUSED_MS).unref();
      return address;
    } catch (error) {
      this.#browsers = undefined;
      throw error;
    }
  }

  /** Browsers that are still in look for the port that they know. */
  async #openWhereTheyWere(): Promise<TcpListener> {
    const { config, browsers } = this.#options;
    const wanted = config.inspectorListen;
    const known = wanted.port === 0 ? browsers.port() : wanted.port;
    const listener = await this.#openTcp({ ...wanted, port: known }).catch((error: unknown) => {
      if (wanted.port !== 0 || known === 0) throw error;
      return this.#openTcp(wanted);
    });
    browsers.noteReached(listener.address.port);
    return listener;
  }

  async #closeForBrowsers(): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
    const listener = await this.#browsers;
    this.#browsers = undefined;
    listener?.cut();
    await listener?.close();
  }

  /** Nobody finds the socket any more. */
  refuseMore(): void {
    this.#removeSocket?.();
  }

  async close(): Promise<void> {
    const cut = setTimeout(() => {
      this.#app.server.closeAllConnections();
      this.#tcp?.cut();
    }, CLOSE_MS);
    await Promise.all([this.#app.close(), this.#tcp?.close(), this.#closeForBrowsers()]);
    clearTimeout(cut);
  }

  #openTcp(address: NonNullable<Config["apiListen"]>): Promise<TcpListener> {
    return listenOnTcp({
      address,
      http: HTTP_OPTIONS,
      limits: { ...TCP_LIMITS, ...this.#options.limits },
      remember: (socket) => void this.#remote.add(socket),
      onRequest: (request, response) => this.#app.routing(request, response),
      onClientError: refuseConnection(this.#options.version, this.#patient),
    });
  }
}

/**
 * The daemon's API: `/healthz`, and services and events under `/v1/`, under `/v1/sprites/{name}/` and bare; on a Unix
 * socket for this machine, and over TCP for whoever has a token.
 */
export function createApiServer(options: ApiOptions): ApiServer {
  const { services, config, logger, tokens } = options;
  /** Connections whose request may take as long as it likes to come in. */
  const patient = new WeakSet<Socket>();
  const app = build(options, patient);
  const listeners = new Listeners(app, options, patient);
  const { isRemote } = listeners;
  const http = countRequests(app);
  const catalogue = catalogueRoutes(app);
  const sessions = new Sessions(options.browsers.sessions);
  const admit = guardDoor(app, { tokens, ownNames: ownNames(config), isRemote, logger, sessions });
  const streams = createStreams(MAX_STREAMS, logger);
  const feed = new EventFeed(options.events);
  const callerOf = callers(options.peerUid);
  const forServices = { services, callerOf, streams, defaultDir: config.defaultDir };
  const inspector = {
    sessions,
    admit,
    callerOf,
    mode: "daemon" as const,
    spriteName: config.spriteName,
    version: options.version,
    open: () => listeners.openForBrowsers(sessions),
  };
  const routes = async (scope: FastifyInstance): Promise<void> => {
    scope.addHook("onRequest", () => options.booted);
    await scope.register(serviceRoutes(forServices));
    await scope.register(serviceCommandRoutes(forServices));
    await scope.register(eventRoutes({ log: options.events, feed, streams }));
    await scope.register(projectionRoutes(options.projections));
    await scope.register(componentRoutes(options.components));
    await scope.register(configurationRoutes(options.configuration, callerOf));
    await scope.register(
      execRoutes({
        ...options.exec,
        streams,
        isPatient: ({ raw }) => void patient.add(raw.socket),
      }),
    );
    await scope.register(storageRoutes);
    if (options.debug) await scope.register(debugRoutes(options.debug));
    await scope.register(pastRoutes(options.past));
    await scope.register(machineRoutes(options.machines));
    await scope.register(usageRoutes(options.usage));
    await scope.register(ticketRoutes(inspector));
  };
  const spriteRoutes = async (scope: FastifyInstance): Promise<void> => {
    scope.addHook("onRequest", onlySprite(config.spriteName));
    await scope.register(routes);
  };
  const counts = {
    http,
    streams: () => streams.count,
    followers: () => feed.readers,
    eventReads: () => feed.reads,
  };
  void app.register(healthRoutes(options.version));
  void app.register(metricsRoutes(options.metrics, counts, options.version));
  const { version, unpack } = options;
  void app.register(
    docsRoutes({ routes: catalogue, version, spriteName: config.spriteName, unpack }),
  );
  void app.register(sessionRoutes(inspector));
  void app.register(assetRoutes(shippedFolder("inspector", options.unpack)));
  void app.register(routes);
  void app.register(routes, { prefix: "/v1" });
  void app.register(spriteRoutes, { prefix: "/v1/sprites/:sprite" });
  return {
    app,
    listen: async () => {
      const address = await listeners.open();
      if (sessions.isUsed) await listeners.openForBrowsers(sessions).catch(() => {}); // they ask for a new way in
      return address;
    },
    close: async () => {
      listeners.refuseMore();
      streams.end();
      feed.close();
      await listeners.close();
    },
  };
}
