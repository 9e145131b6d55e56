import { defineCommand } from "citty";
import { jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { onTerminal, print } from "../output.ts";
import { pastArgs, withPast } from "../past.ts";
import { MOMENT_NOTE } from "./state.ts";

export const diff = defineCommand({
  meta: {
    name: "diff",
    description:
      "Show what changed between two moments: services, states, definitions, and who asked for what",
    notes: [
      MOMENT_NOTE,
      "Values of variables are never shown: only that one was set, removed or got another value.",
    ],
    examples: [
      'sprite-env diff --from "yesterday 22:00"',
      "sprite-env diff --from -2h --to -1h web",
      "sprite-env diff --from 1200 --to 1300 | jq -r '.services[].name'",
    ],
  },
  args: {
    name: { type: "positional", required: false, description: "One service alone" },
    from: {
      type: "string",
      valueHint: "moment",
      required: true,
      description: "The earlier moment",
    },
    to: { type: "string", valueHint: "moment", description: "The later moment (default: now)" },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store }) => {
      const { changesBetween, changesJson } = await import("../../offline/changes.ts");
      const { name: service, from, to } = args;
      const changes = changesBetween(store, { service, from, to, now: Date.now() });
      if (args.json || !onTerminal()) return print(compactJson(changesJson(changes)));
      const { changesText } = await import("../changes-text.ts");
      const { changeInWords } = await import("../../offline/definitions.ts");
      return print(changesText(changes, changeInWords));
    }),
});
