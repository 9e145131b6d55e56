import type { FastifyInstance } from "fastify";
import { onlyMethods } from "../methods.ts";
import { noQuery } from "../schemas.ts";

/** For tests of the reaper, in a daemon that was started with debug. */
export interface DebugProcesses {
  /** Has a process orphaned that ends a moment later. @returns its pid. @throws AppError `internal` where it cannot be made */
  createZombie(): Promise<number>;
  /** What a process is: undefined where there is none. */
  check(pid: number): { name: string; state: string; parent: number } | undefined;
}

const zombieView = {
  type: "object",
  additionalProperties: false,
  required: ["pid"],
  properties: { pid: { type: "integer" } },
} as const;

const pidQuery = {
  type: "object",
  additionalProperties: false,
  required: ["pid"],
  properties: { pid: { type: "integer", minimum: 1, maximum: 4_194_304 } },
} as const;

const processView = {
  type: "object",
  additionalProperties: false,
  required: ["pid", "exists", "is_zombie"],
  properties: {
    pid: { type: "integer" },
    exists: { type: "boolean" },
    is_zombie: { type: "boolean" },
    state: { type: "string", description: "As the kernel calls it: R, S, Z …" },
    name: { type: "string" },
    ppid: { type: "integer" },
  },
} as const;

/** Creating and looking for zombies. */
export const debugRoutes =
  (processes: DebugProcesses) =>
  async (app: FastifyInstance): Promise<void> => {
    const config = { hidden: true } as const; // of the reference: most daemons do not have it
    const create = { schema: { querystring: noQuery, response: { 200: zombieView } } };
    for (const method of ["GET", "POST"] as const)
      app.route({
        method,
        url: "/debug/create-zombie",
        ...create,
        config,
        exposeHeadRoute: false,
        handler: async () => ({ pid: await processes.createZombie() }),
      });
    onlyMethods(app, "/debug/create-zombie", ["GET", "POST"]);
    app.get<{ Querystring: { pid: number } }>(
      "/debug/check-process",
      { schema: { querystring: pidQuery, response: { 200: processView } }, config },
      async ({ query: { pid } }) => {
        const found = processes.check(pid);
        if (!found) return { pid, exists: false, is_zombie: false };
        const { name, state, parent } = found;
        return { pid, exists: true, is_zombie: state === "Z", state, name, ppid: parent };
      },
    );
    onlyMethods(app, "/debug/check-process", ["GET", "HEAD"]);
  };
