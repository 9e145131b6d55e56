import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import type { FoldedService, ReplayCheck } from "../../offline/replay.ts";
import { jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, print, say } from "../output.ts";
import { logOf, machineArgs, type MachineFlags, requestOf } from "../machine-file.ts";
import { differenceInWords, machineText } from "../machine-text.ts";
import { pastArgs, type PastFlags, progress, withPast } from "../past.ts";
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
      "With --check --machine FILE: what an edited machine would have done with this log, and what is another in it than in ours. Exits 1 where a row would lead elsewhere.",
    ],
    examples: [
      "sprite-env replay",
      "sprite-env replay --check",
      "sprite-env replay --check --machine machines/service.ts",
    ],
  },
  args: {
    check: {
      type: "boolean",
      description: "Compare each recorded state with the one its machine gives",
    },
    ...machineArgs,
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) => {
    if (args.machine !== undefined) return throughMachine({ ...args, machine: args.machine });
    for (const flag of ["export", "kind", "log"] as const)
      if (args[flag] !== undefined)
        throw new AppError("invalid_request", `--${flag} goes with --machine FILE`);
    return fold(args);
  },
});

function fold(
  args: PastFlags & { check?: boolean | undefined; json?: boolean | undefined },
): Promise<number> {
  return withPast(args, async ({ store }) => {
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
  });
}

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

/** What an edited machine would have done. @throws AppError `replay_mismatch` where a row would lead elsewhere */
async function throughMachine(
  flags: MachineFlags & { check?: boolean | undefined; json?: boolean | undefined },
): Promise<number> {
  if (flags.check !== true) throw new AppError("invalid_request", "--machine goes with --check");
  const stateDirectory = await logOf(flags);
  if (stateDirectory === undefined)
    throw new AppError(
      "not_found",
      "there is no log to replay: name one with --log or --state-dir",
    );
  const { reportOn } = await import("../../workbench/report.ts");
  const told = progress("replayed");
  const { report, process: held } = await reportOn(
    { ...requestOf(flags), stateDirectory },
    ({ replay: now }) => {
      if (now?.progress) told(now.progress.done, now.progress.of);
    },
  );
  held.close();
  const asJson = flags.json === true || !onTerminal();
  print(asJson ? compactJson(report) : machineText(report));
  if (report.error) throw new AppError("invalid_request", report.error.message);
  if (report.kind === null)
    throw new AppError(
      "invalid_request",
      `${report.file}: its machine "${report.graph?.id}" takes no events of this log: say with --kind whose it is`,
    );
  const { differing_rows: rows = 0 } = report.replay ?? {};
  if (rows > 0) throw new AppError("replay_mismatch", differenceInWords(report));
  return EXIT.ok;
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
