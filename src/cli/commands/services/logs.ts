import { defineCommand } from "citty";
import { AppError } from "../../../base/errors.ts";
import { commonArgs, connect, duration, whole } from "../../args.ts";
import { printLogs } from "../../log-lines.ts";
import { allOf } from "../../verb.ts";

/** Of a log that is followed, so much is shown first: what `tail -f` does. */
const BEFORE_FOLLOWING = 10;

export const logs = defineCommand({
  meta: {
    name: "logs",
    description: "Print what services wrote, as it stands in their log files",
    notes: [
      "Without --lines all that is kept, or the last 10 lines before what comes with --follow. Lines of several services carry their names.",
    ],
    examples: [
      "sprite-env services logs web",
      "sprite-env services logs -n 100 -f web",
      "sprite-env services logs -f web worker",
    ],
  },
  args: {
    name: { type: "positional", required: true, repeat: true, description: "Names of services" },
    lines: {
      type: "string",
      alias: "n",
      valueHint: "count",
      check: whole(0, 1_000_000),
      description: "Only the last so many lines",
    },
    follow: { type: "boolean", alias: "f", description: "Go on with what comes, until Ctrl-C" },
    duration: {
      type: "string",
      valueHint: "time",
      check: duration,
      description: "Go on with what comes for so long",
    },
    json: { type: "boolean", description: "Print the lines as NDJSON" },
    ...commonArgs,
  },
  run: async (context) => {
    const { args } = context;
    if (args.follow && args.duration !== undefined) {
      throw new AppError(
        "invalid_request",
        "--follow and --duration contradict each other: give one of them",
      );
    }
    const follows = args.follow || args.duration !== undefined;
    const lines = args.lines === undefined ? undefined : Number(args.lines);
    return printLogs(connect(args), allOf(context, "name"), {
      lines: lines ?? (follows ? BEFORE_FOLLOWING : undefined),
      follow: args.follow,
      duration: args.duration,
      json: args.json,
    });
  },
});
