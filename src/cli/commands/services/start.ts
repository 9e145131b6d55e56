import { defineCommand } from "citty";
import { commonArgs, connect, watchArgs, watchFor } from "../../args.ts";
import { forEach, printStart } from "../../streams.ts";
import { LATER_SELECTION, selected, selectionArgs } from "../../selection.ts";
import { allOf } from "../../verb.ts";

export const start = defineCommand({
  meta: {
    name: "start",
    description: "Start stopped services, and what they need; streams NDJSON",
    notes: ["The exit code is 1 when a service fails while it is watched."],
    later: LATER_SELECTION,
    examples: ["sprite-env services start web", "sprite-env services start web worker --no-stream"],
  },
  args: {
    ...selectionArgs,
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args.socket);
    const duration = watchFor(context.args);
    const names = await selected(client, allOf(context, "name"), Boolean(context.args.all));
    return forEach(names, async (name) =>
      printStart(client, name, await client.start(name, { duration })),
    );
  },
});
