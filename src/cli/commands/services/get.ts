import { defineCommand } from "citty";
import { commonArgs, connect } from "../../args.ts";
import { print } from "../../output.ts";
import { compactJson } from "../../compact-json.ts";
import { shown } from "../../shown.ts";

export const get = defineCommand({
  meta: {
    name: "get",
    description: "Show one service: its definition and live state, as JSON",
    examples: [
      "sprite-env services get web",
      "sprite-env services get web | jq .state.restart_count",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    ...commonArgs,
  },
  run: async ({ args }) => {
    print(compactJson(shown(await connect(args).get(args.name))));
  },
});
