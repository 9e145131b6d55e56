import { defineCommand } from "citty";
import { commonArgs, connect, watchArgs, watchFor } from "../../args.ts";
import { forEach, printStart } from "../../streams.ts";
import { allOf } from "../../verb.ts";

export const start = defineCommand({
  meta: {
    name: "start",
    description: "Start stopped services, and what they need; streams NDJSON",
    notes: ["The exit code is 1 when a service fails while it is watched."],
    examples: ["sprite-env services start web", "sprite-env services start web worker --no-stream"],
  },
  args: {
    name: { type: "positional", required: true, repeat: true, description: "Names of services" },
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args.socket);
    const duration = watchFor(context.args);
    return forEach(allOf(context, "name"), async (name) =>
      printStart(client, name, await client.start(name, { duration })),
    );
  },
});
