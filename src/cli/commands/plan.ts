import { defineCommand } from "citty";
import { commonArgs, connect, jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { configPlanText } from "../config-plan-text.ts";
import { onTerminal, print } from "../output.ts";

export const plan = defineCommand({
  meta: {
    name: "plan",
    description:
      "Show what reload would do: which components and services the configuration file changes, and why",
    notes: [
      "The daemon reads its file again, and changes nothing. Drift is what somebody changed by a command since the file was applied; a service that somebody stopped is none.",
    ],
    examples: ["sprite-env plan", "sprite-env plan --json | jq '.services[] | select(.restarts)'"],
  },
  args: { ...jsonArgs, ...commonArgs },
  run: async ({ args }) => {
    const found = await connect(args).configPlan();
    print(
      args.json === true || !onTerminal() ? compactJson(found) : configPlanText(found, "would"),
    );
  },
});
