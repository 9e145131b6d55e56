import { defineCommand } from "citty";
import { commonArgs, connect, jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { configPlanText } from "../config-plan-text.ts";
import { onTerminal, print } from "../output.ts";

export const reload = defineCommand({
  meta: {
    name: "reload",
    description: "Hold components and services to the configuration file again",
    notes: [
      "What was changed by a command is undone; what left the file is stopped and deleted; a service that somebody stopped stays stopped. `plan` shows it first.",
      "A component of which the file says something else is ended and started anew, while services go on: what is to start waits for it.",
      "A file that is wrong in any place changes nothing.",
    ],
    examples: ["sprite-env reload", "sprite-env plan && sprite-env reload"],
  },
  args: { ...jsonArgs, ...commonArgs },
  run: async ({ args }) => {
    const done = await connect(args).reloadConfig();
    print(args.json === true || !onTerminal() ? compactJson(done) : configPlanText(done, "did"));
  },
});
