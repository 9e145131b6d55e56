import type { FastifyInstance } from "fastify";
import type { ComponentView } from "../../commands/components.ts";
import { onlyMethods } from "../methods.ts";
import { noQuery } from "../schemas.ts";
import { exitView } from "../view-schemas.ts";
import { exitWire, nanoTime } from "../wire.ts";

/** A component as it is shown. */
export const componentView = {
  type: "object",
  additionalProperties: false,
  required: ["name", "phase", "restart_count", "detached", "log_file"],
  properties: {
    name: { type: "string" },
    phase: {
      type: "string",
      enum: ["pending", "starting", "ready", "ending", "crashed", "draining", "stopped"],
    },
    pid: { type: "integer" },
    started_at: { type: "string" },
    restart_count: { type: "integer" },
    error: { type: "string" },
    detached: {
      type: "boolean",
      description: "Its start ended with 0, and what that started is the component",
    },
    next_restart_at: { type: "string" },
    last_exit: exitView,
    waiting_for: { type: "array", items: { type: "string" } },
    log_file: { type: "string" },
  },
} as const;

const shown = (view: ComponentView) => ({
  name: view.name,
  phase: view.phase as "ready", // the machine's states, but for the last, which is not shown
  ...(view.pid !== undefined && { pid: view.pid }),
  ...(view.startedAt !== undefined && { started_at: nanoTime(view.startedAt) }),
  restart_count: view.restartCount,
  ...(view.error !== undefined && { error: view.error }),
  detached: view.isDetached,
  ...(view.nextRestartAt !== undefined && { next_restart_at: nanoTime(view.nextRestartAt) }),
  ...(view.lastExit && { last_exit: exitWire(view.lastExit) }),
  ...(view.waitingFor.length > 0 && { waiting_for: [...view.waitingFor] }),
  log_file: view.logFile,
});

/** What must be there before the main process and the services. */
export const componentRoutes =
  (components: () => readonly ComponentView[]) =>
  async (app: FastifyInstance): Promise<void> => {
    const views = { type: "array", items: componentView } as const;
    app.get(
      "/components",
      { schema: { querystring: noQuery, response: { 200: views } } },
      async () => components().map(shown),
    );
    onlyMethods(app, "/components", ["GET", "HEAD"]);
  };
