import { defineCommand } from "citty";
import { forEach } from "../../arms.ts";
import { commonArgs, connect } from "../../args.ts";
import { EXIT } from "../../exit-codes.ts";
import { allOf } from "../../verb.ts";

export const signal = defineCommand({
  meta: {
    name: "signal",
    description: "Send a signal to the main process of a service, or of several",
    notes: [
      "A service that ends from it counts as crashed and is started again: to keep it down, use stop.",
    ],
    examples: ["sprite-env services signal web HUP", "sprite-env services signal web worker USR1"],
  },
  args: {
    name: { type: "positional", required: true, repeat: true, description: "Names of services" },
    signal: {
      type: "positional",
      required: true,
      description: "Name of a signal, with SIG or without; the last word",
      complete: "signal",
    },
    ...commonArgs,
  },
  run: (context) => {
    const client = connect(context.args);
    const { signal: word } = context.args;
    return forEach(client, allOf(context, "name"), async (name) => {
      await client.signal(name, word);
      return EXIT.ok;
    });
  },
});
