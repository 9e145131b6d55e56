import { defineCommand } from "citty";
import { AppError } from "../../../base/errors.ts";
import type { Client, Options } from "../../../client/client.ts";
import { commonArgs, connect, stopArgs } from "../../args.ts";
import { EXIT } from "../../exit-codes.ts";
import { say } from "../../output.ts";
import { forEach, printStop } from "../../streams.ts";
import { LATER_SELECTION, selected, selectionArgs } from "../../selection.ts";
import { allOf } from "../../verb.ts";

export const stop = defineCommand({
  meta: {
    name: "stop",
    description: "Stop services; they stay stopped until somebody starts them",
    notes: [
      "Sends TERM, and KILL to everything that is left when the time is over. When it returns, nothing of the service is alive.",
    ],
    later: LATER_SELECTION,
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
    const client = connect(args.socket);
    const options = { timeout: args.timeout, withDependents: args["with-dependents"] };
    const names = await selected(client, allOf(context, "name"), Boolean(args.all));
    return forEach(names.toReversed(), (name) => stopOne(client, name, options));
  },
});

/** What is stopped already is as it was asked to be: said, but no failure. */
async function stopOne(client: Client, name: string, options: Options): Promise<number> {
  try {
    return await printStop(await client.stop(name, options));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "service_stopped") throw error;
    say(`${name} is stopped already`);
    return EXIT.ok;
  }
}
