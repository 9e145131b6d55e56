import type { FastifyInstance } from "fastify";
import { onlyMethods } from "../methods.ts";
import { noQuery } from "../schemas.ts";

/** What services take of the machine. */
export type UsageSource = () => {
  at: number;
  services: ReadonlyMap<string, { cpuMs: number; rssBytes: number; processes: number }>;
};

export const usageView = {
  type: "object",
  additionalProperties: false,
  required: ["at", "services"],
  properties: {
    at: {
      type: "number",
      description: "When it was looked at: milliseconds of a clock that never goes back",
    },
    services: {
      type: "object",
      description: "By name; one without a process is not there",
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["cpu_ms", "rss_bytes", "processes"],
        properties: {
          cpu_ms: {
            type: "integer",
            description: "Processor time of its present processes so far",
          },
          rss_bytes: { type: "integer" },
          processes: { type: "integer" },
        },
      },
    },
  },
} as const;

/** Processor time and memory of services. */
export const usageRoutes =
  (usage: UsageSource) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get(
      "/usage",
      { schema: { querystring: noQuery, response: { 200: usageView } } },
      async () => {
        const { at, services } = usage();
        const shown = [...services].map(([name, { cpuMs, rssBytes, processes }]) => [
          name,
          { cpu_ms: cpuMs, rss_bytes: rssBytes, processes },
        ]);
        return { at, services: Object.fromEntries(shown) as object };
      },
    );
    onlyMethods(app, "/usage", ["GET", "HEAD"]);
  };
