import { printable } from "../../base/printable.ts";
import { defineCommand } from "citty";
import { jsonArgs, whole } from "../args.ts";
import { onTerminal, paint, print } from "../output.ts";
import { pastArgs, withPast } from "../past.ts";
import { compactJson } from "../compact-json.ts";
import { table } from "../table.ts";
import type { LastLines } from "../../offline/last-lines.ts";
import type { Why } from "../../offline/why.ts";

/** Lines of a life that are shown where nobody says how many. */
const LINES = 10;

export const why = defineCommand({
  meta: {
    name: "why",
    description:
      "Tell why a service was last started, restarted or stopped, or why it does not run",
    notes: [
      "Names the events of the chain, who asked, how the process ended as the kernel told it, and the last lines it wrote.",
    ],
    examples: [
      "sprite-env why web",
      "sprite-env why web --lines 50",
      "sprite-env why web | jq -r .headline[]",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    lines: {
      type: "string",
      alias: "n",
      valueHint: "count",
      check: whole(0, 10_000),
      description: `The last lines it wrote (default: ${LINES})`,
    },
    "log-dir": {
      type: "string",
      valueHint: "path",
      description:
        "Directory of services' logs (else that of the daemon that answers, else where serve would have it)",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store, logDir, daemon }) => {
      const { why: whyOf } = await import("../../offline/why.ts");
      const { lastLines } = await import("../../offline/last-lines.ts");
      const answer = whyOf(store, args.name, { now: Date.now(), daemon });
      const lines = await lastLines(logDir, answer, Number(args.lines ?? LINES));
      if (onTerminal() && !args.json) return print(told(answer, lines));
      const { whyJson } = await import("../../offline/json.ts");
      return print(compactJson(whyJson(answer, lines)));
    }),
});

function told(answer: Why, lines: LastLines): string {
  const chain = answer.steps.map(({ row, text }) => [
    `event ${row.seq}`,
    new Date(row.wall).toISOString(),
    `${sentence(text)}.`,
  ]);
  return [
    answer.headline.join("\n"),
    ...(chain.length > 0 ? ["", table(["", "", ""], chain).split("\n").slice(1).join("\n")] : []),
    ...(answer.life ? ["", linesOf(answer.life, lines)] : []),
  ].join("\n");
}

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

function linesOf(
  { number, end }: NonNullable<Why["life"]>,
  { file, lines, problem }: LastLines,
): string {
  if (problem !== undefined) return paint("dim", `What it wrote is not shown: ${problem}.`);
  const whose = end ? `life ${number}, which ended` : `life ${number}`;
  if (lines.length === 0) return paint("dim", `In ${whose}, it wrote nothing (${file}).`);
  const head = paint("dim", `The last lines of ${whose}, from ${file}:`);
  const texts = lines.map(
    ({ time, stream, text }) => `  ${new Date(time).toISOString()} [${stream}] ${printable(text)}`,
  );
  return [head, ...texts].join("\n");
}
