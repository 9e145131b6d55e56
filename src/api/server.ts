import type { ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import { AppError } from "../base/errors.ts";
import { jsonProblem } from "../base/json.ts";
import type { Logger } from "../base/logger.ts";
import type { ServiceCommands } from "../commands/ports.ts";
import type { Config } from "../config/schema.ts";
import { socketCallers, type PeerUid } from "./caller.ts";
import { errorSender } from "./error-handler.ts";
import { createStreams } from "./ndjson-reply.ts";
import { compileSchema } from "./refuse.ts";
import { eventRoutes, type EventQueries } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { serviceCommandRoutes } from "./routes/service-commands.ts";
import { serviceRoutes } from "./routes/services.ts";
import { listenOnSocket } from "./socket.ts";

export interface ApiOptions {
  services: ServiceCommands;
  events: EventQueries;
  config: Pick<Config, "socketPath" | "socketMode" | "socketGroup" | "spriteName" | "defaultDir">;
  logger: Logger;
  /** Of the package: sent with every answer as Sprite-Version. */
  version: string;
  peerUid: PeerUid;
  /** All but /healthz wait for it: until then the actors are those of the last daemon. */
  booted: Promise<void>;
}

/** The API of the daemon. */
export interface ApiServer {
  /** For requests without a socket, in tests. */
  readonly app: FastifyInstance;
  /** @throws AppError `socket_unusable` or `config_invalid` */
  listen(): Promise<void>;
  /** Takes no more requests, ends streams, gives other answers a moment, then closes and removes the socket. */
  close(): Promise<void>;
}

/** Longest request body, in bytes. */
export const BODY_LIMIT = 1_048_576;

/** Connections at once. Each costs a descriptor; most daemons may have 1024. */
const MAX_CONNECTIONS = 512;
/** Streams at once: fewer than connections, so that a short question always finds room. */
const MAX_STREAMS = 256;
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
  (version: string) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const body = JSON.stringify({ error: "invalid_request", message: error.message });
    socket.end(
      `HTTP/1.1 ${STATUS_LINES[error.code ?? ""] ?? "400 Bad Request"}\r\nSprite-Version: ${version}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
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

function build(options: ApiOptions): FastifyInstance {
  const { logger, version } = options;
  const sendError = errorSender(logger, BODY_LIMIT);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    http: HTTP_OPTIONS,
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    return503OnClosing: false, // its body would have another shape; streams and commands refuse by themselves
    forceCloseConnections: "idle",
    clientErrorHandler: refuseConnection(version),
    frameworkErrors: (error, request, reply) => {
      void reply.header("sprite-version", version);
      sendError(error, request, reply);
    },
  });
  app.setValidatorCompiler(compileSchema);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value)); // keys in the order we give them
  takeJson(app);
  app.addHook("onRequest", async (_, reply) => void reply.header("sprite-version", version));
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request) => {
    throw new AppError("not_found", `there is no ${request.url.split("?")[0]}`);
  });
  return app;
}

/**
 * The daemon's API: `/healthz`, and services and events under `/v1/`, under `/v1/sprites/{name}/` and bare.
 */
export function createApiServer(options: ApiOptions): ApiServer {
  const { services, events, config, logger } = options;
  const app = build(options);
  const streams = createStreams(MAX_STREAMS, logger);
  const callerOf = socketCallers(options.peerUid);
  const forServices = { services, callerOf, streams, defaultDir: config.defaultDir };
  const routes = async (scope: FastifyInstance): Promise<void> => {
    scope.addHook("onRequest", () => options.booted);
    await scope.register(serviceRoutes(forServices));
    await scope.register(serviceCommandRoutes(forServices));
    await scope.register(eventRoutes({ events, streams }));
  };
  const spriteRoutes = async (scope: FastifyInstance): Promise<void> => {
    scope.addHook("onRequest", onlySprite(config.spriteName));
    await scope.register(routes);
  };
  void app.register(healthRoutes(options.version));
  void app.register(routes);
  void app.register(routes, { prefix: "/v1" });
  void app.register(spriteRoutes, { prefix: "/v1/sprites/:sprite" });
  app.server.maxConnections = MAX_CONNECTIONS;

  let removeSocket: (() => void) | undefined;
  return {
    app,
    listen: async () => {
      const socket = {
        path: config.socketPath,
        mode: config.socketMode,
        group: config.socketGroup,
      };
      removeSocket = await listenOnSocket(socket, (path) => app.listen({ path }));
    },
    close: async () => {
      removeSocket?.();
      streams.end();
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}
