import { defineCommand } from "citty";
import { AppError } from "../../../base/errors.ts";
import type { Client, Options } from "../../../client/client.ts";
import { commonArgs, connect, stopArgs } from "../../args.ts";
import { EXIT } from "../../exit-codes.ts";
import { say } from "../../output.ts";
import { forEach, needsAmong } from "../../arms.ts";
import { printStop } from "../../streams.ts";
import { selected, selectionArgs } from "../../selection.ts";

export const stop = defineCommand({
  meta: {
    name: "stop",
    description: "Stop services; they stay stopped until somebody starts them",
    notes: [
      "Sends TERM, and KILL to everything that is left when the time is over. When it returns, nothing of the service is alive.",
      "Of several, what needs another is stopped before it, and the rest at the same time; their lines carry their names.",
    ],
    examples: [
      "sprite-env services stop web",
      "sprite-env services stop postgres --with-dependents",
      "sprite-env services stop web worker --timeout 30s",
    ],
  },
  args: {
    ...selectionArgs,
    ...stopArgs,
    "with-dependents": {
      type: "boolean",
      description: "First stop the running services that need it",
    },
    ...commonArgs,
  },
  run: async (context) => {
    const { args } = context;
    const client = connect(args);
    const options = { timeout: args.timeout, withDependents: args["with-dependents"] };
    const names = await selected(client, context);
    const { needing } = await needsAmong(client, names);
    const stopIt = (name: string, several: boolean): Promise<number> =>
      stopOne(client, name, options, several);
    return forEach(client, names.toReversed(), stopIt, needing);
  },
});

/** What is stopped already is as it was asked to be: said, but no failure. */
async function stopOne(
  client: Client,
  name: string,
  options: Options,
  several: boolean,
): Promise<number> {
  try {
    const { timeout } = options;
    return await printStop(client, name, client.stop(name, options), { several, timeout });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "service_stopped") throw error;
    say(`${name} is stopped already`);
    return EXIT.ok;
  }
}
