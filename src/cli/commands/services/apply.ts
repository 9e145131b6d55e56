import { defineCommand } from "citty";
import type { ServiceWire } from "../../../api/view-schemas.ts";
import { AppError } from "../../../base/errors.ts";
import type { Client } from "../../../client/client.ts";
import { commonArgs, connect, jsonArgs } from "../../args.ts";
import { confirmed } from "../../confirm.ts";
import { EXIT } from "../../exit-codes.ts";
import { onTerminal, say } from "../../output.ts";
import { planOf, type Step } from "../../plan.ts";
import { jsonReport, textReport, type Report } from "../../plan-report.ts";
import { secretWarning } from "../../secrets.ts";
import { wantedServices } from "../../wanted.ts";

export const apply = defineCommand({
  meta: {
    name: "apply",
    description: "Bring services to what a file says; shows what will change first",
    notes: [
      "The file is JSON: an object of definitions by name, or a list of definitions with names.",
      "Services that the file does not name, and those that are as it says, are left alone. What is needed comes first.",
    ],
    stray: "the file is named with -f",
    examples: [
      "sprite-env services apply -f services.json --dry-run",
      "sprite-env services apply -f services.json --yes",
      "cat services.json | sprite-env services apply -f -",
    ],
  },
  args: {
    file: {
      type: "string",
      alias: "f",
      required: true,
      valueHint: "file",
      description: "The JSON file; - is standard input",
    },
    "dry-run": { type: "boolean", description: "Only show what would change; exit code 0" },
    ...jsonArgs,
    yes: { type: "boolean", alias: "y", description: "Don't ask" },
    ...commonArgs,
  },
  run: async ({ args }) => {
    const client = connect(args);
    const steps = planOf(wantedServices(args.file), await current(client));
    const report = args.json || !onTerminal() ? jsonReport : textReport;
    steps.forEach(report.step);
    const changes = steps.filter(({ kind }) => kind !== "same");
    warnOfSecrets(changes);
    if (args["dry-run"] || changes.length === 0) return EXIT.ok;
    if (onTerminal() && !args.yes && !(await confirmed("Apply?"))) {
      say("nothing was changed");
      return EXIT.failed;
    }
    return carryOut(client, changes, report);
  },
});

function warnOfSecrets(steps: readonly Step[]): void {
  for (const { name, definition } of steps) {
    const warning = secretWarning(definition);
    if (warning) say(`${name}: ${warning}`);
  }
}

/** Services as they are, each with the values of its variables, which lists do not show. One that is deleted meanwhile is none. */
async function current(client: Client): Promise<ServiceWire[]> {
  const names = (await client.list()).map(({ name }) => name);
  const found = await Promise.all(
    names.map((name) =>
      client.get(name).catch((error: unknown) => {
        if (error instanceof AppError && error.code === "service_not_found") return undefined;
        throw error;
      }),
    ),
  );
  return found.filter((one) => one !== undefined);
}

/** Applies the steps in order, and ends at the first that is refused: what comes later may need it. */
async function carryOut(client: Client, steps: readonly Step[], report: Report): Promise<number> {
  let code: number = EXIT.ok;
  for (const [index, step] of steps.entries()) {
    try {
      if (await failsAtOnce(client, step, report)) code = EXIT.failed;
    } catch (error) {
      throw withProgress(error, step, steps.slice(index + 1));
    }
  }
  return code;
}

async function failsAtOnce(client: Client, step: Step, report: Report): Promise<boolean> {
  const { name, definition, version } = step;
  let failed = false;
  for await (const line of await client.put(name, definition, {
    duration: "0s",
    ifMatch: version,
  })) {
    report.line(name, line);
    if (line.type === "error") failed = true;
  }
  return failed;
}

function withProgress(error: unknown, { name }: Step, rest: readonly Step[]): unknown {
  if (!(error instanceof AppError)) return error;
  const left =
    rest.length > 0 ? ` (not applied either: ${rest.map((step) => step.name).join(", ")})` : "";
  return new AppError(error.code, `${name}: ${error.message}${left}`, { cause: error });
}
