import { defineCommand } from "citty";
import { commonArgs, connect } from "../../args.ts";

export const signal = defineCommand({
  meta: {
    name: "signal",
    description: "Send a signal to the main process of a service",
    notes: [
      "A service that ends from it counts as crashed and is started again: to keep it down, use stop.",
    ],
    stray: "a signal is one word, such as HUP",
    examples: ["sprite-env services signal web HUP", "sprite-env services signal web SIGUSR1"],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    signal: {
      type: "positional",
      required: true,
      description: "Name of a signal, with SIG or without",
    },
    ...commonArgs,
  },
  run: ({ args }) => connect(args.socket).signal(args.name, args.signal),
});
