import { defineCommand } from "citty";
import { commonArgs, connect, stopArgs, watchArgs, watchFor } from "../../args.ts";
import { forEach, printStart } from "../../streams.ts";
import { allOf } from "../../verb.ts";

export const restart = defineCommand({
  meta: {
    name: "restart",
    description: "Stop services, then start them; streams NDJSON",
    notes: ["The exit code is 1 when a service fails while it is watched."],
    examples: [
      "sprite-env services restart web",
      "sprite-env services restart web --timeout 30s --duration 10s",
    ],
  },
  args: {
    name: { type: "positional", required: true, repeat: true, description: "Names of services" },
    ...stopArgs,
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args.socket);
    const options = { duration: watchFor(context.args), timeout: context.args.timeout };
    return forEach(allOf(context, "name"), async (name) =>
      printStart(client, name, await client.restart(name, options)),
    );
  },
});
