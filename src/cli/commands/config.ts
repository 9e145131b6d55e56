import { defineCommand } from "citty";
import { jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, paint, print, say } from "../output.ts";
import { table } from "../table.ts";
import type { VerbData } from "../verb.ts";

const show = defineCommand({
  meta: {
    name: "show",
    description:
      "Show every key of the daemon's configuration as it would be in effect, and where it is from",
    notes: [
      "Takes the flags of serve. Flags win over the environment, that over the file, that over the defaults. Tokens are not shown.",
    ],
    literal: true,
    examples: [
      "sprite-env config show",
      "sprite-env config show --config config.json --log-level debug",
    ],
  },
  args: {},
  run: async ({ data }) => {
    const { literal } = data as VerbData; // run.ts calls every verb with it
    const end = literal.includes("--") ? literal.indexOf("--") : literal.length;
    const own = literal.slice(0, end);
    const words = [...own.filter((word) => word !== "--json"), ...literal.slice(end)];
    const { configShown } = await import("../../offline/config-shown.ts");
    const { keys, loaded } = configShown(words);
    if (!onTerminal() || own.includes("--json")) return print(compactJson(keys));
    const rows = keys.map(({ key, value, from }) => [
      key,
      JSON.stringify(value),
      from === "default" ? paint("dim", from) : from,
    ]);
    print(table(["key", "value", "from"], rows));
    for (const warning of loaded.warnings) say(warning);
    return EXIT.ok;
  },
});

const check = defineCommand({
  meta: {
    name: "check",
    description: "Check a configuration file, and start nothing",
    notes: [
      "Its services are checked as on a machine that has no others: what they need is in the file, in no circle.",
      "Users and variables that services get are looked for when they start.",
    ],
    examples: ["sprite-env config check config.json"],
  },
  args: {
    file: { type: "positional", required: true, description: "The file", complete: "file" },
    ...jsonArgs,
  },
  run: async ({ args }) => {
    const { configChecked } = await import("../../offline/config-shown.ts");
    const { warnings } = configChecked(args.file);
    if (args.json === true || !onTerminal()) return print(compactJson({ ok: true, warnings }));
    for (const warning of warnings) say(warning);
    return print(`${args.file} is a configuration that serve takes.`);
  },
});

const schema = defineCommand({
  meta: {
    name: "schema",
    description: "Print the JSON Schema of the configuration file, for editors",
    notes: ['An editor finds it where the file names it: {"$schema": "./config.schema.json"}.'],
    examples: ["sprite-env config schema > config.schema.json"],
  },
  args: {},
  run: async () => {
    const { editorSchema } = await import("../../offline/config-schema.ts");
    print(JSON.stringify(editorSchema(), null, 2));
  },
});

export const config = defineCommand({
  meta: {
    name: "config",
    description: "The daemon's configuration: show, check, schema",
    examples: ["sprite-env config show", "sprite-env config check config.json"],
  },
  subCommands: { show, check, schema },
});
