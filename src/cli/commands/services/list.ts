import { defineCommand } from "citty";
import { commonArgs, connect, jsonArgs } from "../../args.ts";
import { onTerminal, print } from "../../output.ts";
import { compactJson } from "../../compact-json.ts";
import { shown } from "../../shown.ts";

export const list = defineCommand({
  meta: {
    name: "list",
    description: "Show all services and their state: a table on a terminal, JSON when piped",
    examples: ["sprite-env services list", "sprite-env services list | jq -r '.[].name'"],
  },
  args: {
    ...jsonArgs,
    table: { type: "boolean", description: "Print the table when piped, too" },
    ...commonArgs,
  },
  run: async ({ args }) => {
    const services = await connect(args.socket).list();
    if (args.json || !(args.table || onTerminal())) return print(compactJson(services.map(shown)));
    const { serviceTable } = await import("../../service-table.ts");
    return print(serviceTable(services, Date.now()));
  },
});
