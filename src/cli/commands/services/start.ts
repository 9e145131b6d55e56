import { defineCommand } from "citty";
import { commonArgs, connect, watchArgs, watchFor } from "../../args.ts";
import { forEach } from "../../arms.ts";
import { printStart } from "../../streams.ts";
import { selected, selectionArgs } from "../../selection.ts";

export const start = defineCommand({
  meta: {
    name: "start",
    description: "Start stopped services, and what they need; streams NDJSON",
    notes: [
      "The exit code is 1 when a service fails while it is watched. Several are started at the same time, and their lines carry their names.",
    ],
    examples: ["sprite-env services start web", "sprite-env services start web worker --no-stream"],
  },
  args: {
    ...selectionArgs,
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args);
    const duration = watchFor(context.args);
    const names = await selected(client, context);
    return forEach(client, names, (name, several) =>
      printStart(client, name, client.start(name, { duration }), { several, duration }),
    );
  },
});
