import { defineCommand } from "citty";
import type { VerbData } from "../verb.ts";

/** The daemon by its name. Its flags are read by the daemon itself, from the same schema as its configuration file. */
export const serve = defineCommand({
  meta: {
    name: "serve",
    description: "Run the daemon that owns the services",
    notes: ["Flags take one dash or two and win over the environment, which wins over the file."],
    literal: true,
    examples: [
      "sprite-env serve",
      "sprite-env serve --state-dir ./state --socket ./state/api.sock",
      "sprite-env -config config.json",
    ],
  },
  run: async ({ data }) => {
    const { main } = await import("../../main.ts");
    return main([...(data as VerbData).literal]); // run.ts calls every verb with it
  },
});
