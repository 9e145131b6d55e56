import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import type { BootStory } from "../../offline/boot-story.ts";
import { jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { onTerminal, print } from "../output.ts";
import { pastArgs, type PastFlags, withPast } from "../past.ts";

const WHICH =
  "Its number in boot list, 0 for the newest, -1 for the one before it, or its id (default: 0)";

interface Flags extends PastFlags {
  json?: boolean | undefined;
}

const asJson = ({ json }: Flags): boolean => json === true || !onTerminal();

const list = defineCommand({
  meta: {
    name: "list",
    description: "Show every life of the daemon: when, how soon it was ready, how it ended",
    examples: ["sprite-env boot list", "sprite-env boot list | jq '.[-1].ready_ms'"],
  },
  args: { ...jsonArgs, ...pastArgs },
  run: ({ args }) =>
    withPast(args, async ({ store: { reader }, daemon }) => {
      const { bootsOf, bootJson, bootEndInWords } = await import("../../offline/boots.ts");
      const boots = bootsOf(reader);
      if (asJson(args)) return print(compactJson(boots.map((boot) => bootJson(boot, daemon))));
      const { bootTable } = await import("../boot-text.ts");
      return print(
        bootTable(boots, (boot) => bootEndInWords(boot, daemon), daemon ? Date.now() : undefined),
      );
    }),
});

const show = defineCommand({
  meta: {
    name: "show",
    description:
      "Show one life of the daemon: which services it started, in which order, and what each waited for",
    notes: [
      "The critical chain names the service that came up last, what its start had waited for, and so on: when each was up, and how long its own start took.",
    ],
    examples: ["sprite-env boot show", "sprite-env boot show -1", "sprite-env boot show 3 | jq"],
  },
  args: {
    boot: { type: "positional", required: false, description: WHICH },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) => tell(args.boot, args, false),
});

const diff = defineCommand({
  meta: {
    name: "diff",
    description: "Show what differs between two lives of the daemon",
    notes: [
      "Without boots: the newest and the one before it. With one: that one and the newest. Times count where one is half as long again, and 100 ms longer.",
    ],
    examples: ["sprite-env boot diff", "sprite-env boot diff -2", "sprite-env boot diff 3 5"],
  },
  args: {
    from: { type: "positional", required: false, description: "The earlier boot" },
    to: { type: "positional", required: false, description: "The later boot" },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store: { reader } }) => {
      const { bootDiff, bootDiffJson } = await import("../../offline/boot-story.ts");
      const found = bootDiff(reader, args.from, args.to);
      if (asJson(args)) return print(compactJson(bootDiffJson(found)));
      const { diffText } = await import("../boot-text.ts");
      return print(diffText(found));
    }),
});

/** Tells a boot: as a table, or each service in sentences. */
const tell = (named: string | undefined, flags: Flags, explained: boolean): Promise<void> =>
  withPast(flags, async ({ store: { reader }, daemon }) => {
    const { bootStory, storyJson } = await import("../../offline/boot-story.ts");
    const { bootEndInWords } = await import("../../offline/boots.ts");
    const story: BootStory = bootStory(reader, named);
    if (asJson(flags)) return print(compactJson(storyJson(story, daemon)));
    const { explainedText, storyText } = await import("../boot-text.ts");
    return print(
      (explained ? explainedText : storyText)(story, bootEndInWords(story.boot, daemon)),
    );
  });

/** The lives of the daemon. */
export const boot = defineCommand({
  meta: {
    name: "boot",
    description: "Look at the lives of the daemon: what each started, and why",
    notes: [
      "`--explain` tells for each service why a boot started it, or did not, in sentences, and what held it up.",
    ],
    examples: [
      "sprite-env boot list",
      "sprite-env boot --explain",
      "sprite-env boot --explain -1",
      "sprite-env boot diff",
    ],
  },
  args: {
    boot: { type: "positional", required: false, description: WHICH },
    explain: { type: "boolean", description: "Tell why each service was started, or was not" },
    ...jsonArgs,
    ...pastArgs,
  },
  subCommands: { list: () => list, show: () => show, diff: () => diff },
  run: ({ args }) => {
    if (args.explain) return tell(args.boot, args, true);
    throw new AppError(
      "invalid_request",
      "a verb is missing: boot list, boot show or boot diff; or --explain\nsee: sprite-env boot --help",
    );
  },
});
