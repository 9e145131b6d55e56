import { defineCommand } from "citty";
import { commonArgs, connect, stopArgs, watchArgs, watchFor } from "../../args.ts";
import { forEach, needsAmong } from "../../arms.ts";
import { printStart } from "../../streams.ts";
import { selected, selectionArgs } from "../../selection.ts";

export const restart = defineCommand({
  meta: {
    name: "restart",
    description: "Stop services, then start them; streams NDJSON",
    notes: [
      "The exit code is 1 when a service fails while it is watched. Of several, each follows what it needs, and their lines carry their names.",
    ],
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
    const client = connect(context.args);
    const options = { duration: watchFor(context.args), timeout: context.args.timeout };
    const names = await selected(client, context);
    const { needed } = await needsAmong(client, names);
    const restartOne = (name: string, several: boolean): Promise<number> =>
      printStart(client, name, client.restart(name, options), { several, ...options });
    return forEach(client, names, restartOne, needed);
  },
});
