import { timeText } from "../base/time-text.ts";
import { printable } from "../base/printable.ts";
import type { Brief, Changes, ServiceChange } from "../offline/changes.ts";
import type { FieldChange } from "../offline/definitions.ts";
import { paint } from "./output.ts";

/** Wishes of one service that are told; earlier ones are counted. */
const WISHES = 10;

/**
 * What changed between two moments, for people.
 *
 * @param inWords tells a change of a definition
 */
export function changesText(changes: Changes, inWords: (change: FieldChange) => string): string {
  const { from, to, boots, services, unchanged } = changes;
  const head = `From event ${from.seq}, ${timeText(from.wall)}, to event ${to.seq}, ${timeText(to.wall)}:`;
  const daemons = boots.map(
    ({ seq, wall, data }) =>
      `  a daemon began ${paint("dim", `event ${seq}, ${timeText(wall)}, pid ${Number(data["pid"])}`)}`,
  );
  const told = services.flatMap((service) => serviceLines(service, inWords));
  const same = unchanged.length > 0 ? [`  unchanged: ${unchanged.join(", ")}`] : [];
  const nothing = told.length + daemons.length === 0 ? ["  nothing changed"] : [];
  return [
    paint("dim", head),
    ...daemons,
    ...told,
    ...nothing,
    ...same.map((line) => paint("dim", line)),
  ].join("\n");
}

function serviceLines(service: ServiceChange, inWords: (change: FieldChange) => string): string[] {
  const { definition, starts, crashes, wishes, before, after } = service;
  const counts = [
    ...(starts > 0 ? [`started ${times(starts)}`] : []),
    ...(crashes > 0 ? [`failed ${times(crashes)}`] : []),
  ];
  const earlier = Math.max(0, wishes.length - WISHES);
  return [
    titleOf(service),
    ...(before && after ? briefLines(before, after) : []),
    ...definition.map((change) => `    ${printable(inWords(change))}`),
    ...(counts.length > 0 ? [`    ${counts.join(", ")}`] : []),
    ...(earlier > 0 ? [paint("dim", `    ${earlier} earlier wishes`)] : []),
    ...wishes
      .slice(earlier)
      .map(
        ({ seq, wall, text }) =>
          `    ${printable(text)} ${paint("dim", `event ${seq}, ${timeText(wall)}`)}`,
      ),
  ];
}

const times = (count: number): string => ["never", "once", "twice"][count] ?? `${count} times`;

function titleOf({ name, kind, before, after }: ServiceChange): string {
  const titles = {
    new: paint("green", `+ ${name} is new: ${after?.phase}`),
    gone: paint("red", `- ${name} is gone; it was ${before?.phase}`),
    passing: paint("yellow", `± ${name} came and went`),
    replaced: paint("yellow", `~ ${name} was deleted, and another one of that name created`),
    changed: paint("yellow", `~ ${name}`),
  } as const satisfies Record<ServiceChange["kind"], string>;
  return titles[kind];
}

function briefLines(before: Brief, after: Brief): string[] {
  const pairs: [string, string, string][] = [
    ["state", before.phase, after.phase],
    ["desired", before.desired, after.desired],
    ["definition", `version ${before.version}`, `version ${after.version}`],
    ["process", String(before.pid ?? "none"), String(after.pid ?? "none")],
    ["restarts", String(before.restart_count), String(after.restart_count)],
    ["flags", (before.flags ?? []).join(", ") || "none", (after.flags ?? []).join(", ") || "none"],
  ];
  return pairs
    .filter(([, old, fresh]) => old !== fresh)
    .map(([label, old, fresh]) => `    ${label}: ${old} → ${fresh}`);
}
