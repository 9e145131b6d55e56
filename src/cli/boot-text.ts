import { timeText } from "../base/time-text.ts";
import { formatDuration } from "../base/duration.ts";
import { printable } from "../base/printable.ts";
import type { ChainLink } from "../offline/boot-chain.ts";
import type { BootService } from "../offline/boot-services.ts";
import type { BootDiff, BootDifference, BootOutcome, BootStory } from "../offline/boot-story.ts";
import type { Boot } from "../offline/boots.ts";
import { paint } from "./output.ts";
import { timeSpan } from "./service-table.ts";
import { table } from "./table.ts";

/** A text or number of its row. */
function dataOf({ booted }: Boot, key: string): string {
  const value = booted.data[key];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const readyIn = ({ booted, ready }: Boot): string =>
  ready ? formatDuration(ready.at - booted.at) : "";

/** How long it was there; of one that was killed, at least. @param now of the wall clock, where it is there still */
function lastedFor({ booted, drained, last, next }: Boot, now: number | undefined): string {
  if (now !== undefined && !drained && !next) return timeSpan(now - booted.wall);
  if (next && last.seq === booted.seq) return ""; // no more than that it began is left
  return timeSpan((drained ?? last).at - booted.at);
}

const MACHINES = { true: "new boot", false: "the same", undefined: "" } as const;

/**
 * Every boot as people read them.
 *
 * @param endOf how one ended, in words
 * @param now milliseconds of the wall clock, where the daemon of the newest answers
 */
export function bootTable(
  boots: readonly Boot[],
  endOf: (boot: Boot) => string,
  now: number | undefined,
): string {
  if (boots.length === 0) return "No daemon has begun yet.";
  const header = ["boot", "id", "began", "release", "pid", "machine", "ready", "lasted", "ended"];
  return table(
    header,
    boots.map((boot) => [
      String(boot.number),
      boot.id,
      timeText(boot.booted.wall),
      dataOf(boot, "release"),
      dataOf(boot, "pid"),
      MACHINES[`${boot.newMachine}`],
      readyIn(boot),
      lastedFor(boot, now),
      endOf(boot),
    ]),
  );
}

function headOf(boot: Boot, end: string): string {
  const machine = boot.newMachine ? ", on a new boot of the machine" : "";
  const ready = boot.ready ? `ready after ${readyIn(boot)}` : "was never ready";
  return [
    `Boot ${boot.number} ${paint("dim", boot.id)} began at ${timeText(boot.booted.wall)}${machine}`,
    `  release ${dataOf(boot, "release")}, pid ${dataOf(boot, "pid")}; ${ready}; ${end}`,
  ].join("\n");
}

/** A boot as people read it: a line for each service. @param end how it ended, in words */
export function storyText({ boot, services, chain }: BootStory, end: string): string {
  const header = ["service", "before", "decision", "waited for", "asked", "spawned", "up", "note"];
  const rows = services.map((service) => [
    service.name,
    service.phase,
    DECISIONS[service.decision],
    waitedFor(service),
    ms(service.askedMs),
    ms(service.spawnedMs),
    ms(service.upMs),
    service.failed ?? (service.decision === "start" ? "" : (service.why[0] ?? "")),
  ]);
  const nobody = "There were no services.";
  return [
    headOf(boot, end),
    "",
    services.length === 0 ? nobody : table(header, rows),
    ...chainLines(chain),
  ].join("\n");
}

const DECISIONS = { start: "start", leave: "leave down", wait: "wait" } as const;

const ms = (value: number | undefined): string =>
  value === undefined ? "" : `+${formatDuration(value)}`;

function waitedFor({ heldBy, waitsFor }: BootService): string {
  if (heldBy) return heldBy.kind === "need" ? heldBy.name : "its turn";
  return waitsFor.length > 0 ? `${waitsFor.join(", ")} (still)` : "";
}

/** A boot as people read it: each service in sentences. @param end how it ended, in words */
export function explainedText({ boot, services, chain }: BootStory, end: string): string {
  const nobody = ["", "There were no services."];
  return [
    headOf(boot, end),
    ...(services.length === 0 ? nobody : services.flatMap((service) => ["", ...told(service)])),
    ...chainLines(chain),
  ].join("\n");
}

function told(service: BootService): string[] {
  const { name, decision, why, heldBy, waitsFor, askedMs, spawnedMs, upMs, pid, failed } = service;
  const titles = {
    start: paint("green", `${name} was started`),
    leave: paint("dim", `${name} was left down`),
    wait: paint("yellow", `${name} was to be started, and waits`),
  } as const satisfies Record<BootService["decision"], string>;
  const turn = "it waited for its turn, since so many were being started at once";
  const held =
    heldBy &&
    (heldBy.kind === "need" ? `it needs ${heldBy.name}, and waited until that was up` : turn);
  const lines = [
    ...why,
    held,
    waitsFor.length > 0 ? `it waits for ${waitsFor.join(", ")}` : undefined,
    askedMs === undefined ? undefined : `its process was asked for ${after(askedMs)}`,
    spawnedMs === undefined ? undefined : `it was there ${after(spawnedMs)}, as process ${pid}`,
    upMs === undefined ? undefined : `it was up ${after(upMs)}`,
    failed === undefined ? undefined : `its process ${failed}`,
  ];
  return [
    titles[decision],
    ...lines.filter((line) => line !== undefined).map((line) => `  ${printable(line)}`),
  ];
}

const after = (value: number): string =>
  value === 0 ? "as the boot began" : `${formatDuration(value)} after the boot began`;

/** The chain as `systemd-analyze critical-chain` draws it. */
function chainLines(chain: readonly ChainLink[]): string[] {
  if (chain.length === 0) return [];
  return [
    "",
    paint("dim", "Critical chain: when each was up (@), and how long its own start took (+):"),
    ...chain.map(({ name, upMs, tookMs, heldBy }, depth) => {
      const branch = depth === 0 ? "" : `${"  ".repeat(depth - 1)}└─`;
      const turn = heldBy?.kind === "turn" ? paint("dim", " waited for its turn") : "";
      return `${branch}${name} @${formatDuration(upMs)} +${formatDuration(tookMs)}${turn}`;
    }),
  ];
}

/** What differs between two boots, for people. */
export function diffText({ from, to, differences }: BootDiff): string {
  const head = `Boot ${from.number} (${timeText(from.booted.wall)}) → boot ${to.number} (${timeText(to.booted.wall)}):`;
  const lines = differences.map(differenceText);
  return [
    paint("dim", head),
    ...(lines.length > 0 ? lines : ["nothing differs"]).map((line) => `  ${printable(line)}`),
  ].join("\n");
}

const differenceText = ({ fact, service, before, after: now }: BootDifference): string =>
  `${service ?? fact}: ${valueText(before)} → ${valueText(now)}`;

/** What a service that neither came up nor failed was left as. */
const NOT_UP = {
  start: "started, not up yet",
  wait: "waits",
  leave: "left down",
} as const;

function valueText(value: string | number | BootOutcome | undefined): string {
  if (value === undefined) return "not there";
  if (typeof value !== "object") return String(value);
  const { decision, result, version, upMs } = value;
  const results = {
    up: `up after ${formatDuration(upMs ?? 0)}`,
    failed: "failed",
    none: NOT_UP[decision],
  } as const satisfies Record<BootOutcome["result"], string>;
  return `${results[result]} (version ${version})`;
}
