import { defineCommand } from "citty";
import { AppError } from "../../../base/errors.ts";
import { commonArgs, connect, jsonArgs } from "../../args.ts";
import { compactJson } from "../../compact-json.ts";
import { labelsFrom } from "../../lists.ts";
import { onTerminal, print, say } from "../../output.ts";
import { labelArgs, nobodyHas } from "../../selection.ts";
import { shown } from "../../shown.ts";
import { sorted, SORTS, type Sort } from "../../sort-services.ts";
import { allOf } from "../../verb.ts";

export const list = defineCommand({
  meta: {
    name: "list",
    description: "Show all services and their state: a table on a terminal, JSON when piped",
    notes: [
      "The note says what a service waits for, when the next try is due, and what is wrong with it. On a narrow terminal texts are cut with …; " +
        "--wide shows them whole.",
      "--watch keeps the table alive until q or Ctrl-C; when piped it prints one line of JSON for each service, and then for each change.",
    ],
    examples: [
      "sprite-env services list",
      "sprite-env services list --watch --sort state",
      "sprite-env services list | jq -r '.[].name'",
    ],
  },
  args: {
    watch: { type: "boolean", alias: "w", description: "Go on showing what changes" },
    sort: {
      type: "enum",
      options: [...SORTS],
      default: "name",
      valueHint: "column",
      description: "Put in order by name (default), state (trouble first), uptime or restarts",
    },
    ...labelArgs,
    labels: { type: "boolean", description: "With a column of labels" },
    wide: { type: "boolean", description: "Cut nothing, however narrow the terminal" },
    ...jsonArgs,
    table: { type: "boolean", description: "Print the table when piped, too" },
    ...commonArgs,
  },
  run: async (context) => {
    const { args } = context;
    const { json, labels, wide } = args;
    if (json && args.table)
      throw new AppError(
        "invalid_request",
        "--json and --table contradict each other: give one of them",
      );
    const sort = args.sort as Sort; // an enum of these
    const asTable = args.table || (onTerminal() && !json);
    const client = connect(args);
    const chosen = { labels: labelsFrom(undefined, allOf(context, "label")) };
    if (args.watch) {
      const { watchAsLines, watchOnScreen } = await import("../../watch-list.ts");
      const watch = onTerminal() && !json ? watchOnScreen : watchAsLines;
      return watch(client, chosen, { sort, labels, wide });
    }
    const services = sorted(await client.list(chosen), sort);
    if (!asTable) return print(compactJson(services.map(shown)));
    if (chosen.labels && services.length === 0) return say(nobodyHas(chosen.labels));
    const { serviceTable } = await import("../../service-table.ts");
    return print(serviceTable(services, Date.now(), { labels, wide }));
  },
});
