import { defineCommand } from "citty";
import { commonArgs, connect, watchArgs, watchFor, whole } from "../../args.ts";
import { printStart } from "../../streams.ts";
import { versionOf } from "./diff.ts";

export const rollback = defineCommand({
  meta: {
    name: "rollback",
    description: "Give a service an earlier version of its definition again; streams NDJSON",
    notes: [
      "Without a version: the one before the newest. It becomes a new version, with the values its variables had then.",
      "A service that should run is replaced, or started where it is down; one that was stopped stays stopped.",
      "The exit code is 1 when the service fails while it is watched.",
    ],
    examples: [
      "sprite-env services rollback web",
      "sprite-env services rollback web 3 --if-match 5",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    version: {
      type: "positional",
      required: false,
      description: "The version to go back to, as services versions shows it",
    },
    "if-match": {
      type: "string",
      valueHint: "version",
      check: whole(1, Number.MAX_SAFE_INTEGER),
      description: "Only if the definition still has this version",
    },
    ...watchArgs,
    ...commonArgs,
  },
  run: async ({ args }) => {
    const { name, "if-match": ifMatch } = args;
    const version = versionOf(args.version, "VERSION");
    const client = connect(args);
    const options = {
      duration: watchFor(args),
      ...(ifMatch !== undefined && { ifMatch: Number(ifMatch) }),
    };
    return printStart(client, name, client.rollback(name, version, options), options);
  },
});
