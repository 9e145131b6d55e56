import type { Socket } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { AppError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { shippedFolder, type Unpack } from "../base/parts.ts";
import type { ComponentView } from "../commands/components.ts";
import type { Readiness, RunCommand } from "../commands/exec.ts";
import type { ConfigCommands, ServiceCommands } from "../commands/ports.ts";
import type { Config } from "../config/config.ts";
import type { ApiToken } from "../config/tokens.ts";
import { createApp } from "./app.ts";
import { assetRoutes } from "./assets.ts";
import { callers, type PeerUid } from "./caller.ts";
import { guardDoor } from "./door/door.ts";
import type { TcpLimits } from "./door/tcp.ts";
import { Sessions } from "./door/sessions.ts";
import { EventFeed, type EventLog } from "./feed/feed.ts";
import { countRequests } from "./metrics/http-counts.ts";
import type { MetricsSource } from "./metrics/source.ts";
import { type BrowserPlace, Listeners } from "./listeners.ts";
import { createStreams, type StreamLimits } from "./ndjson-reply.ts";
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

/** Streams at once: fewer than connections, so that a short question always finds room. */
const MAX_STREAMS: StreamLimits = { local: 256, remote: 128 };

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

/** What browsers may call us: the names of this machine and of the sprite, `sprite` on the socket, and those of the configuration. */
const ownNames = ({ spriteName, apiHosts }: ApiOptions["config"]): ReadonlySet<string> =>
  new Set(
    ["localhost", "sprite", hostname(), spriteName, ...apiHosts].map((name) => name.toLowerCase()),
  );

/**
 * The daemon's API: `/healthz`, and services and events under `/v1/`, under `/v1/sprites/{name}/` and bare; on a Unix
 * socket for this machine, and over TCP for whoever has a token.
 */
export function createApiServer(options: ApiOptions): ApiServer {
  const { services, config, logger, tokens } = options;
  /** Connections whose request may take as long as it likes to come in. */
  const patient = new WeakSet<Socket>();
  const app = createApp({ logger, version: options.version, patient });
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
  void app.register(assetRoutes(() => shippedFolder("inspector", options.unpack)));
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
