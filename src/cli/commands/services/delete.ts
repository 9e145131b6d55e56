import { defineCommand } from "citty";
import { commonArgs, connect } from "../../args.ts";
import { EXIT } from "../../exit-codes.ts";
import { forEach } from "../../streams.ts";
import { allOf } from "../../verb.ts";

export const remove = defineCommand({
  meta: {
    name: "delete",
    description: "Stop services and remove their definitions; their logs stay",
    examples: ["sprite-env services delete web"],
  },
  args: {
    name: { type: "positional", required: true, repeat: true, description: "Names of services" },
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args.socket);
    return forEach(allOf(context, "name"), async (name) => {
      await client.remove(name);
      return EXIT.ok;
    });
  },
});
