import { defineCommand } from "citty";
import { commonArgs, connect, stopArgs, watchArgs, watchFor } from "../../args.ts";
import { forEach, printStart } from "../../streams.ts";
import { LATER_SELECTION, selected, selectionArgs } from "../../selection.ts";
import { allOf } from "../../verb.ts";

export const restart = defineCommand({
  meta: {
    name: "restart",
    description: "Stop services, then start them; streams NDJSON",
    notes: ["The exit code is 1 when a service fails while it is watched."],
    later: LATER_SELECTION,
    examples: [
      "sprite-env services restart web",
      "sprite-env services restart web --timeout 30s --duration 10s",
    ],
  },
  args: {
    ...selectionArgs,
    ...stopArgs,
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const client = connect(context.args.socket);
    const options = { duration: watchFor(context.args), timeout: context.args.timeout };
    const names = await selected(client, allOf(context, "name"), Boolean(context.args.all));
    return forEach(names, async (name) =>
      printStart(client, name, await client.restart(name, options)),
    );
  },
});
