import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Caller, ConfigCommands, ConfigPlan } from "../../commands/ports.ts";
import { onlyMethods } from "../methods.ts";
import { emptyBody, noQuery } from "../schemas.ts";

/** What the configuration file leads to, as it is shown. */
export const planView = {
  type: "object",
  additionalProperties: false,
  required: ["file", "components", "services", "other_keys"],
  properties: {
    file: { type: "string", description: "The file, absolute" },
    components: {
      type: "array",
      description: "In the order in which they start; those that go, last",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "action", "restarts"],
        properties: {
          name: { type: "string" },
          action: { type: "string", enum: ["create", "change", "move", "delete", "same"] },
          restarts: {
            type: "boolean",
            description: "Whether what runs of it is ended, and started anew",
          },
        },
      },
    },
    services: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "action", "restarts", "drifted", "fields"],
        properties: {
          name: { type: "string" },
          action: {
            type: "string",
            enum: ["create", "change", "delete", "start", "drift", "same"],
          },
          restarts: {
            type: "boolean",
            description: "Whether its process is ended, and another started",
          },
          drifted: {
            type: "boolean",
            description: "Whether somebody changed it by a command since",
          },
          fields: {
            type: "array",
            items: { type: "string" },
            description: "Fields of its definition that differ",
          },
        },
      },
    },
    other_keys: {
      type: "array",
      items: { type: "string" },
      description:
        "Keys that say something else than when the daemon began: the next daemon heeds them",
    },
  },
} as const;

const shown = ({ file, components, steps, otherKeys }: ConfigPlan) => ({
  file,
  components,
  services: steps.map(({ name, action, restarts, isDrifted, fields }) => ({
    name,
    action,
    restarts,
    drifted: isDrifted,
    fields: fields.map(wireField),
  })),
  other_keys: [...otherKeys],
});

/** `stopTimeoutMs` → `stop_timeout`: fields as the file spells them. */
const wireField = (field: string): string =>
  field.replace(/Ms$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What the configuration file wants of components and services, and holding them to it. */
export const configurationRoutes =
  (configuration: ConfigCommands, callerOf: (request: FastifyRequest) => Caller) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get(
      "/config/plan",
      { schema: { querystring: noQuery, response: { 200: planView } } },
      async () => shown(await configuration.plan()),
    );
    onlyMethods(app, "/config/plan", ["GET", "HEAD"]);
    app.post(
      "/config/reload",
      { schema: { body: emptyBody, querystring: noQuery, response: { 200: planView } } },
      async (request) => shown(await configuration.reload(callerOf(request))),
    );
    onlyMethods(app, "/config/reload", ["POST"]);
  };
