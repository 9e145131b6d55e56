import { defineCommand } from "citty";
import { commonArgs, connect, jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { onTerminal, print } from "../output.ts";
import { table } from "../table.ts";

export const components = defineCommand({
  meta: {
    name: "components",
    description: "List what must be there before the main process and the services",
    notes: ["In the order in which they start: each waits until the one before it is ready."],
    examples: ["sprite-env components", "sprite-env components --json | jq '.[] | .phase'"],
  },
  args: { ...jsonArgs, ...commonArgs },
  run: async ({ args }) => {
    const all = await connect(args).components();
    if (args.json === true || !onTerminal()) return print(compactJson(all));
    if (all.length === 0)
      return print(
        "there are no components: see components and components_dir of the configuration",
      );
    const rows = all.map(
      ({ name, phase, pid, restart_count: restarts, error, waiting_for: waits = [] }) => [
        name,
        phase,
        pid === undefined ? "" : String(pid),
        String(restarts),
        error ?? (waits.length > 0 ? `waits for ${waits.join(", ")}` : ""),
      ],
    );
    return print(table(["component", "phase", "pid", "restarts", ""], rows));
  },
});
