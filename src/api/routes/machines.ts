import type { FastifyInstance } from "fastify";
import type { MachineGraph } from "../../diagram/graph.ts";
import { onlyMethods } from "../methods.ts";
import { noQuery } from "../schemas.ts";

/** A machine that the daemon runs. */
export interface MachineTold {
  kind: string;
  version: number;
  graph: MachineGraph;
}

const texts = { type: "array", items: { type: "string" } } as const;

export const machinesView = {
  type: "object",
  additionalProperties: false,
  required: ["machines"],
  properties: {
    machines: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["kind", "version", "graph"],
        properties: {
          kind: { type: "string", description: "Of its streams: service, environment" },
          version: { type: "integer", description: "As events have it in `schema`" },
          graph: {
            type: "object",
            additionalProperties: false,
            required: ["id", "initial", "nodes", "edges"],
            properties: {
              id: { type: "string" },
              version: { type: "integer" },
              initial: { type: "string" },
              nodes: {
                type: "array",
                items: {
                  type: "object",
                  additionalProperties: false,
                  required: ["id", "label", "kind", "entry", "exit", "tags"],
                  properties: {
                    id: { type: "string" },
                    label: { type: "string" },
                    kind: {
                      type: "string",
                      enum: ["atomic", "compound", "parallel", "final", "history"],
                    },
                    parent: { type: "string" },
                    entry: texts,
                    exit: texts,
                    tags: texts,
                    description: { type: "string" },
                  },
                },
              },
              edges: {
                type: "array",
                items: {
                  type: "object",
                  additionalProperties: false,
                  required: ["id", "from", "to", "event", "kind", "actions", "effects"],
                  properties: {
                    id: { type: "string" },
                    from: { type: "string" },
                    to: { type: "string" },
                    event: { type: "string" },
                    kind: { type: "string", enum: ["event", "always", "after", "done", "error"] },
                    guard: { type: "string" },
                    actions: texts,
                    effects: texts,
                    isInternal: { type: "boolean" },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;

/** The state machines that decide about everything, as graphs. */
export const machineRoutes =
  (machines: () => readonly MachineTold[]) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get(
      "/machines",
      { schema: { querystring: noQuery, response: { 200: machinesView } } },
      async () => ({ machines: machines() }),
    );
    onlyMethods(app, "/machines", ["GET", "HEAD"]);
  };
