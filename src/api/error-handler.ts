import { randomUUID } from "node:crypto";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { AppError, type ErrorCode } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { STATUS } from "./status.ts";

/** What is sent for an error: its status and its body. */
export interface ErrorReply {
  status: number;
  body: { error: ErrorCode; message: string } & Record<string, unknown>;
}

const reply = (
  code: ErrorCode,
  message: string,
  details: AppError["details"] = {},
): ErrorReply => ({
  status: STATUS[code],
  body: { error: code, message, ...details },
});

/** Errors of the framework: all are about the request, so their text may be shown. */
function frameworkReply(error: FastifyError, bodyLimit: number): ErrorReply | undefined {
  const status = error.statusCode ?? 500;
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return reply("body_too_large", `the request body is over ${bodyLimit} bytes`, {
      limit: bodyLimit,
    });
  }
  if (!error.code?.startsWith("FST_") || status < 400 || status > 499) return undefined;
  return { ...reply(status === 404 ? "not_found" : "invalid_request", error.message), status };
}

/** A bug. The log gets everything, the caller an id to find it there. */
function internalReply(error: unknown, what: string, logger: Logger): ErrorReply {
  const id = randomUUID().slice(0, 8);
  logger.error({ err: error, id, request: what }, "a request failed inside sprite-env");
  return reply("internal", `a bug in sprite-env: its log has the details under id ${id}`, { id });
}

/**
 * An error as it is sent: what we know about, with its own status and facts; anything else as 500 without its insides.
 *
 * @param what the request, for the log
 */
export function errorReply(
  error: unknown,
  what: string,
  logger: Logger,
  bodyLimit: number,
): ErrorReply {
  if (error instanceof AppError && error.code !== "internal") {
    return reply(error.code, error.message, error.details);
  }
  const known =
    error instanceof Error ? frameworkReply(error as FastifyError, bodyLimit) : undefined;
  return known ?? internalReply(error, what, logger);
}

/** Sends an error of a request. Waiting makes sense after 503, so it says for how long. */
export const errorSender =
  (logger: Logger, bodyLimit: number) =>
  (error: unknown, request: FastifyRequest, to: FastifyReply): void => {
    const what = `${request.method} ${request.url}`;
    const { status, body } = errorReply(error, what, logger, bodyLimit);
    if (status === 503) void to.header("retry-after", "1");
    // Fastify asks to close after a body that is too large. Node reads what is left of it instead, so that the client gets to see the answer.
    if (status === 413) void to.removeHeader("connection");
    void to.code(status).type("application/json; charset=utf-8").send(body);
  };
