import type { ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import { AppError } from "../base/errors.ts";
import { jsonProblem } from "../base/json.ts";
import type { Logger } from "../base/logger.ts";
import { errorSender } from "./error-handler.ts";
import { compileSchema } from "./refuse.ts";

/** Longest request body, in bytes. */
const BODY_LIMIT = 1_048_576;

/** Times, in milliseconds, are for sending a request; an answer may take as long as it likes. */
export const HTTP_OPTIONS: ServerOptions = {
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
export const refuseConnection =
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

interface AppDeps {
  logger: Logger;
  /** Of the package: sent with every answer as Sprite-Version. */
  version: string;
  /** Connections whose request may take as long as it likes to come in. */
  patient: WeakSet<Socket>;
}

/** An application without routes: limits, JSON in and out, and errors in our shape. */
export function createApp({ logger, version, patient }: AppDeps): FastifyInstance {
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
