import { defineCommand } from "citty";
import { configSchema, type ConfigKey } from "../../config/schema.ts";
import { flagOf, inFileAlone } from "../../config/flags.ts";
import type { Argument, VerbData } from "../verb.ts";

interface Property {
  type?: string | readonly string[];
  description?: string;
  default?: string | number | boolean | null | object;
}

function flagFor([key, property]: [string, Property]): [string, Argument] {
  const { type, description = "", default: standard } = property;
  const text =
    standard === null || typeof standard === "object" || type === "boolean"
      ? description
      : `${description} (default: ${standard})`;
  const flag: Argument =
    type === "boolean"
      ? { type: "boolean", description: text }
      : { type: "string", valueHint: key.split("_").at(-1) ?? key, description: text };
  return [flagOf(key as ConfigKey), flag]; // the schema's own keys
}

/** The daemon by its name. Its flags are read by the daemon itself, from the same schema as its configuration file. */
export const serve = defineCommand({
  meta: {
    name: "serve",
    description: "Run the daemon that owns the services",
    notes: [
      "Flags may have one dash or two. They win over the environment, and that over the configuration file.",
      "TERM or INT ends it, after it has stopped all services in the reverse of their order; they start again with the next one.",
      "A command after -- is the main process: it gets the signals that come, and its exit code is the daemon's.",
    ],
    literal: true,
    takes: "[-- command args…]",
    examples: [
      "sprite-env serve",
      "sprite-env serve --state-dir ./state --socket ./state/api.sock",
      "sprite-env -config config.json",
      "sprite-env -listen :8080 -components-dir ./components -- node app.js",
    ],
  },
  args: {
    config: { type: "string", valueHint: "file", description: "Configuration file, JSON" },
    ...Object.fromEntries(
      Object.entries<Property>(configSchema.properties)
        .filter(([key]) => !inFileAlone(key as ConfigKey)) // the schema's own keys
        .map(flagFor),
    ),
    version: { type: "boolean", description: "Print the release" },
  },
  run: async ({ data }) => {
    const { main } = await import("../../main.ts");
    return main([...(data as VerbData).literal]); // run.ts calls every verb with it
  },
});
