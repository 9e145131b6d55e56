import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import type { FoldedService, ReplayCheck } from "../../offline/replay.ts";
import { jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, print, say } from "../output.ts";
import { pastArgs, progress, withPast } from "../past.ts";
import { compactJson } from "../compact-json.ts";
import { table } from "../table.ts";

export const replay = defineCommand({
  meta: {
    name: "replay",
    description:
      "Fold the event log through the state machines: what every service is by its events alone",
    notes: [
      "With --check: that each row is what its machine makes of the rows before it, that a second fold gives the same bytes, and that " +
        "the table of services says the same. Exits 1 where it does not.",
    ],
    examples: ["sprite-env replay", "sprite-env replay --check"],
  },
  args: {
    check: {
      type: "boolean",
      description: "Compare each recorded state with the one its machine gives",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store }) => {
      const { checkReplay, foldedServices } = await import("../../offline/replay.ts");
      const { foldedServiceJson, replayCheckJson } = await import("../../offline/json.ts");
      const asJson = args.json === true || !onTerminal();
      if (args.check) {
        const check = checkReplay(store, progress("folded"));
        if (asJson) print(compactJson(replayCheckJson(check)));
        return checked(check, asJson);
      }
      const { services, mismatches } = foldedServices(store, progress("folded"));
      print(asJson ? compactJson(services.map(foldedServiceJson)) : serviceTable(services));
      if (mismatches > 0)
        say("some streams have rows that do not fit: sprite-env replay --check names them");
      return EXIT.ok;
    }),
});

/** @throws AppError `replay_mismatch` naming what does not fit */
function checked(check: ReplayCheck, asJson: boolean): number {
  if (!check.ok) throw new AppError("replay_mismatch", problemsOf(check).join("\n"));
  if (asJson) return EXIT.ok;
  const { events, streams, projection } = check;
  print(
    `${events} events of ${streams} streams: each is what its machine makes of those before it, and a second fold gives the same bytes.`,
  );
  if (projection.outcome === "equal") print("The table of services says the same.");
  if (projection.outcome === "unknown")
    print(`The table of services is not compared: ${projection.reason}.`);
  return EXIT.ok;
}

function problemsOf({ mismatches, sameBytes, projection }: ReplayCheck): string[] {
  return [
    ...mismatches.map(mismatchInWords),
    ...(sameBytes
      ? []
      : [
          "two folds of the same rows give different bytes: this is a bug in sprite-env, please report it",
        ]),
    ...(projection.outcome === "differs"
      ? [
          `the table of services says otherwise about ${projection.names.join(", ")}: it was changed by hand, or this is a bug in sprite-env`,
        ]
      : []),
  ];
}

type Mismatch = ReplayCheck["mismatches"][number];

function mismatchInWords({ seq, stream, type, recorded, folded, reason }: Mismatch): string {
  const edge = `${recorded.from ?? "nothing"} → ${recorded.to}`;
  const machine = `${folded.from ?? "nothing"} → ${folded.to ?? "no state"}`;
  return `event ${seq} of ${stream} (${type}): recorded is ${edge}, and its machine gives ${machine}: ${reason}`;
}

function serviceTable(services: readonly FoldedService[]): string {
  const header = [
    "name",
    "state",
    "desired",
    "version",
    "restarts",
    "last exit",
    "seq",
    "since",
    "note",
  ];
  return table(
    header,
    services.map((service) => [
      service.name,
      service.phase,
      service.desired,
      String(service.version),
      String(service.restartCount),
      service.lastExit ?? "",
      String(service.seq),
      new Date(service.wall).toISOString(),
      service.quarantined === undefined ? "" : `quarantined: ${service.quarantined}`,
    ]),
  );
}
