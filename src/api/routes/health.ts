import type { FastifyInstance } from "fastify";
import { onlyMethods } from "../methods.ts";

const healthView = {
  type: "object",
  required: ["status", "version"],
  properties: { status: { type: "string", enum: ["ok"] }, version: { type: "string" } },
} as const;

/** Whether the daemon answers. Asks nothing and nobody, so that it can be answered in any state. */
export const healthRoutes =
  (version: string) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get(
      "/healthz",
      { config: { open: true }, schema: { response: { 200: healthView } } },
      async () => ({ status: "ok", version }),
    );
    onlyMethods(app, "/healthz", ["GET", "HEAD"]);
  };
