import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import { jsonArgs } from "../args.ts";
import { compactJson } from "../compact-json.ts";
import { onTerminal, paint, print } from "../output.ts";
import { pastArgs, withPast } from "../past.ts";
import { shown } from "../shown.ts";

/** What a moment may be, for the help of every verb that takes one. */
export const MOMENT_NOTE =
  'A moment is a time ("2026-11-24 13:00", 2026-11-24T13:00:00Z, 13:00, "yesterday 13:00", "last tuesday"), so long ago (-2h, -3d), ' +
  "or an event by its sequence number or id. Times without a zone are local; a time of day alone is the last one that has passed.";

export const state = defineCommand({
  meta: {
    name: "state",
    description: "Show what a service, or all of them, was at a moment of the past",
    notes: [
      MOMENT_NOTE,
      'As JSON it has the shape of "services get" and "services list", with names of variables alone.',
    ],
    examples: [
      "sprite-env state web --at -2h",
      'sprite-env state --all --at "yesterday 13:00"',
      "sprite-env state web --at 1234 | jq .state.phase",
    ],
  },
  args: {
    name: { type: "positional", required: false, description: "Name of the service" },
    all: { type: "boolean", description: "All services that were there" },
    at: {
      type: "string",
      valueHint: "moment",
      description: "The moment (default: now)",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: async ({ args }) => {
    const service = asked(args.name, args.all);
    await withPast(args, async ({ store }) => {
      const { stateThen, stateJson } = await import("../../offline/state.ts");
      const now = Date.now();
      const then = stateThen(store, { service, at: args.at, now });
      const services = stateJson(then);
      if (args.json || !onTerminal()) {
        const [first] = services;
        if (service === undefined) return print(compactJson(services.map(shown)));
        return print(compactJson(first && shown(first)));
      }
      const { stateText, stateTable } = await import("../state-text.ts");
      const [first] = services;
      print(service === undefined || !first ? stateTable(then, services) : stateText(first));
      if (then.note !== undefined) print(paint("yellow", `${then.note}.`));
      return undefined;
    });
  },
});

/** One service, or undefined for all of them. */
function asked(name: string | undefined, all: boolean | undefined): string | undefined {
  if ((name === undefined) === (all === true)) return name;
  const message =
    name === undefined
      ? "whose state? Name a service, or give --all"
      : `${name} and --all contradict each other: give one of them`;
  throw new AppError("invalid_request", message);
}
