import type { FastifyInstance, HTTPMethods } from "fastify";
import { AppError } from "../base/errors.ts";

const METHODS = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"] as const;

/** Answers every method of a path but those with 405 and what is allowed. Call it after the path's own routes. */
export function onlyMethods(
  app: FastifyInstance,
  url: string,
  allowed: readonly HTTPMethods[],
): void {
  app.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    exposeHeadRoute: false,
    config: { hidden: true },
    handler: (request, reply) => {
      void reply.header("allow", allowed.join(", "));
      const list = allowed.join(" and ");
      throw new AppError(
        "method_not_allowed",
        `${request.url.split("?")[0]} takes ${list}, not ${request.method}`,
        {
          details: { allowed: allowed.map(String) },
        },
      );
    },
  });
}
