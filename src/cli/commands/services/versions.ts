import { defineCommand } from "citty";
import type { VersionTold } from "../../../offline/versions.ts";
import { jsonArgs } from "../../args.ts";
import { compactJson } from "../../compact-json.ts";
import { onTerminal, paint, print } from "../../output.ts";
import { pastArgs, withPast } from "../../past.ts";
import { table } from "../../table.ts";

export const versions = defineCommand({
  meta: {
    name: "versions",
    description: "Show every version of a service's definition: when, by whom, and what it changed",
    notes: [
      "Read from the event log, with a daemon and without one. Values of variables are never shown.",
    ],
    examples: [
      "sprite-env services versions web",
      "sprite-env services versions web | jq '.[-1].changes'",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store }) => {
      const { toldVersions, versionJson } = await import("../../../offline/versions.ts");
      const { changeInWords } = await import("../../../offline/definitions.ts");
      const told = toldVersions(store, args.name);
      if (args.json || !onTerminal()) return print(compactJson(told.map(versionJson)));
      const rows = told.map((one) => rowOf(one, one.changes.map(changeInWords)));
      return print(
        table(["version", "when", "who", "what"], rows, (text, _, row) =>
          told[row]?.isCurrent ? paint("green", text) : text,
        ),
      );
    }),
});

function rowOf({ version, row, definition, sameAs }: VersionTold, changes: string[]): string[] {
  const { cmd, args = [] } = definition;
  const created = `created: ${[cmd, ...args].join(" ")}`;
  const what = row.type === "service.created" ? created : changes.join("; ");
  const back = sameAs === undefined ? "" : `as version ${sameAs}: `;
  return [String(version), new Date(row.wall).toISOString(), row.actor, `${back}${what}`];
}
