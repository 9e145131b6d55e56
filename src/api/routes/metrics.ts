import type { FastifyInstance } from "fastify";
import { onlyMethods } from "../methods.ts";
import type { ApiCounts, Exposition } from "../metrics/exposition.ts";
import type { MetricsSource } from "../metrics/source.ts";
import { noQuery } from "../schemas.ts";

/** What Prometheus asks for. The library that writes it is loaded when somebody does. */
export const metricsRoutes =
  (source: MetricsSource, counts: ApiCounts, version: string) =>
  async (app: FastifyInstance): Promise<void> => {
    let made: Promise<Exposition> | undefined;
    const exposition = (): Promise<Exposition> =>
      (made ??= import("../metrics/exposition.ts").then(({ createExposition }) =>
        createExposition(source, counts, version),
      ));
    app.get(
      "/metrics",
      { schema: { querystring: noQuery, response: { 200: { type: "string" } } } },
      async (_, reply) => {
        const { contentType, text } = await exposition();
        return reply
          .type(contentType)
          .serializer(String)
          .send(await text());
      },
    );
    onlyMethods(app, "/metrics", ["GET", "HEAD"]);
  };
