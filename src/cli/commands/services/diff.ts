import { timeText } from "../../../base/time-text.ts";
import { defineCommand } from "citty";
import type { VersionDiff } from "../../../offline/versions.ts";
import { jsonArgs, whole } from "../../args.ts";
import { printable } from "../../../base/printable.ts";
import { compactJson } from "../../compact-json.ts";
import { onTerminal, paint, print } from "../../output.ts";
import { pastArgs, withPast } from "../../past.ts";

export const diff = defineCommand({
  meta: {
    name: "diff",
    description: "Show what differs between two versions of a service's definition",
    notes: [
      "Without versions: the newest and the one before it. With one: that one and the newest. Values of variables are never shown.",
    ],
    examples: [
      "sprite-env services diff web",
      "sprite-env services diff web 2",
      "sprite-env services diff web 2 5",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    from: { type: "positional", required: false, description: "The version that was first" },
    to: { type: "positional", required: false, description: "The version that came after it" },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) => {
    const from = versionOf(args.from, "FROM");
    const to = versionOf(args.to, "TO");
    return withPast(args, async ({ store }) => {
      const { versionDiff, versionDiffJson } = await import("../../../offline/versions.ts");
      const { changeInWords } = await import("../../../offline/definitions.ts");
      const found = versionDiff(store, args.name, from, to);
      if (args.json || !onTerminal()) return print(compactJson(versionDiffJson(found)));
      return print(textOf(found, found.changes.map(changeInWords)));
    });
  },
});

/** A version as a word of the command line: the same number as `--if-match` takes. */
export function versionOf(text: string | undefined, word: string): number | undefined {
  if (text === undefined) return undefined;
  whole(1, Number.MAX_SAFE_INTEGER)(text, word);
  return Number(text);
}

function textOf({ service, from, to }: VersionDiff, changes: readonly string[]): string {
  const head = `${service}, version ${from.version} (${timeText(from.row.wall)}) → version ${to.version} (${timeText(to.row.wall)}, by ${to.row.actor}):`;
  const lines = changes.length > 0 ? changes : ["nothing differs"];
  return [paint("dim", head), ...lines.map((line) => `  ${printable(line)}`)].join("\n");
}
