import { defineCommand } from "citty";
import type { ChangeBody } from "../../../api/schemas.ts";
import type { ServiceWire } from "../../../api/view-schemas.ts";
import { AppError } from "../../../base/errors.ts";
import { commonArgs, connect, watchArgs, watchFor, whole } from "../../args.ts";
import { definitionFile } from "../../definition-file.ts";
import { definitionArgs, LATER_FIELDS } from "../../definition-args.ts";
import { definitionFromFlags, repeatedOf } from "../../definition-flags.ts";
import { definitionOf, laidOver } from "../../merge.ts";
import { say } from "../../output.ts";
import { secretWarning } from "../../secrets.ts";
import { printStart } from "../../streams.ts";
import { withoutFields } from "../../unset.ts";
import { allOf } from "../../verb.ts";

export const update = defineCommand({
  meta: {
    name: "update",
    description: "Change what is given of a definition, and leave the rest as it is",
    notes: [
      "A running service is replaced by one with the new definition; one that is down stays down.",
      "--env, --env-var, --label, --labels, --backoff and --health change what they name; lists are replaced. --unset removes.",
      "It is refused when somebody else changed the definition meanwhile.",
    ],
    later: LATER_FIELDS,
    stray: "arguments of the program go in --args, separated by commas, or in --arg",
    examples: [
      "sprite-env services update web --http-port 8080",
      "sprite-env services update web --env-var DEBUG=1 --unset env.VERBOSE --unset dir",
      "sprite-env services update web --backoff.max 60s --if-match 3",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    ...definitionArgs,
    unset: {
      type: "string",
      valueHint: "field",
      repeat: true,
      description: "Remove a field, or one part of it: dir, env.DEBUG, labels.tier, health",
    },
    "if-match": {
      type: "string",
      valueHint: "version",
      check: whole(1, Number.MAX_SAFE_INTEGER),
      description: "Only if the definition still has this version (default: the one just read)",
    },
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const { args } = context;
    const flags = definitionFromFlags(args, repeatedOf(context));
    const given =
      args.from === undefined ? flags : laidOver(definitionFile(args.from, args.name), flags);
    const warning = secretWarning(given);
    if (warning) say(warning);
    const client = connect(args);
    const current = await client.get(args.name);
    const change = changeOf(current, given, allOf(context, "unset"));
    const duration = watchFor(args);
    const ifMatch =
      args["if-match"] === undefined ? current.state.version : Number(args["if-match"]);
    const stream = client.update(args.name, change, { ifMatch, duration });
    return printStart(client, args.name, stream, { duration });
  },
});

/** Where values of variables are not shown, what is given would be all that is left of them. */
function refuseHidden(service: ServiceWire, change: ChangeBody): void {
  if (!change.env || (service.env_names ?? []).length === 0) return;
  throw new AppError(
    "unauthorized",
    `the values of env are not shown to you, so a change of some would lose the others: do it as the user who owns the socket`,
  );
}

/** Every field that is touched, as a whole: the daemon replaces fields. */
function changeOf(service: ServiceWire, given: ChangeBody, unset: readonly string[]): ChangeBody {
  const current = definitionOf(service);
  const touched = Object.keys(given) as (keyof ChangeBody)[];
  const merged = laidOver(current, given);
  const change = Object.fromEntries(touched.map((field) => [field, merged[field]])) as ChangeBody; // parts of merged
  const rest = withoutFields(current, change, unset);
  refuseHidden(service, rest);
  if (Object.keys(rest).length > 0) return rest;
  throw new AppError(
    "invalid_request",
    "nothing to change is given: name a field, such as --http-port 8080 or --unset dir",
  );
}
