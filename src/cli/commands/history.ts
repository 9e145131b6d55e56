import { defineCommand } from "citty";
import { jsonArgs, whole } from "../args.ts";
import { onTerminal, paint, print } from "../output.ts";
import { pastArgs, withPast } from "../past.ts";
import { compactJson } from "../compact-json.ts";

/** Lives a table shows where nobody says how many. */
const LATEST = 50;

export const history = defineCommand({
  meta: {
    name: "history",
    description:
      "Show every life of a service: when, how long, how it ended, what led to it, and what people wished",
    notes: [
      `A table on a terminal, of the last ${LATEST} lives unless --limit is given; JSON with all of them when piped.`,
    ],
    examples: [
      "sprite-env history web",
      "sprite-env history web --limit 5",
      "sprite-env history web | jq '.lives[].ended'",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    limit: {
      type: "string",
      valueHint: "count",
      check: whole(1, Number.MAX_SAFE_INTEGER),
      description: "The newest so many lives",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: async ({ args }) => {
    const asTable = onTerminal() && !args.json;
    const limit = args.limit === undefined ? (asTable ? LATEST : Infinity) : Number(args.limit);
    await withPast(args, async ({ store }) => {
      const { history: historyOf } = await import("../../offline/history.ts");
      const told = historyOf(store, args.name, limit);
      if (asTable) {
        const { historyTable } = await import("../history-table.ts");
        if (told.goneUpTo !== undefined)
          print(paint("dim", `retention has removed events up to ${told.goneUpTo}`));
        if (told.earlier > 0)
          print(paint("dim", `${earlierLives(told.earlier)} left out: --limit shows more`));
        return print(historyTable(told));
      }
      const { historyJson } = await import("../../offline/json.ts");
      return print(compactJson(historyJson(told)));
    });
  },
});

const earlierLives = (count: number): string =>
  count === 1 ? "1 earlier life is" : `${count} earlier lives are`;
