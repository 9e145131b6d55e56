import { defineCommand } from "citty";
import type { ChangeBody, DefinitionBody } from "../../../api/schemas.ts";
import { AppError } from "../../../base/errors.ts";
import { commonArgs, connect, watchArgs, watchFor } from "../../args.ts";
import { definitionFile } from "../../definition-file.ts";
import { definitionArgs, LATER_FIELDS } from "../../definition-args.ts";
import { definitionFromFlags, repeatedOf } from "../../definition-flags.ts";
import { laidOver } from "../../merge.ts";
import { say } from "../../output.ts";
import { secretWarning } from "../../secrets.ts";
import { printStart } from "../../streams.ts";

export const create = defineCommand({
  meta: {
    name: "create",
    description: "Define a service, start it and stream its first seconds of output as NDJSON",
    notes: [
      "A service of that name that is there already gets the new definition; one that is the same is left alone.",
      "The stream watches for 5 seconds. The exit code is 1 when the service fails within them.",
    ],
    later: LATER_FIELDS,
    stray:
      'arguments of the program go in --args, separated by commas, or in --arg: --args "-m,http.server,3000"',
    examples: [
      'sprite-env services create web --cmd python3 --args "-m,http.server,3000" --http-port 3000',
      "sprite-env services create app --cmd npm --args start --dir /home/sprite/myapp --needs postgres",
      'sprite-env services create worker --cmd ./worker --arg "a,b" --env-var "GREETING=hello, world" --no-stream',
      "sprite-env services create api --from api.json --backoff.max 60s --duration 30s",
    ],
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the service" },
    ...definitionArgs,
    ...watchArgs,
    ...commonArgs,
  },
  run: async (context) => {
    const { args } = context;
    const given = definitionFromFlags(args, repeatedOf(context));
    const base: ChangeBody = args.from === undefined ? {} : definitionFile(args.from, args.name);
    const definition = whole(laidOver(base, given));
    const warning = secretWarning(definition);
    if (warning) say(warning);
    const client = connect(args);
    const duration = watchFor(args);
    const stream = client.put(args.name, definition, { duration });
    return printStart(client, args.name, stream, { duration });
  },
});

function whole(fields: ChangeBody): DefinitionBody {
  const { cmd } = fields;
  if (cmd !== undefined) return { ...fields, cmd };
  throw new AppError(
    "invalid_request",
    "--cmd is missing: the executable to run, without arguments",
  );
}
