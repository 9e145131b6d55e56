import type { ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus, Found, SpawnError } from "../../machines/service-events.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { keeps } from "./broken.ts";
import { judge, type Judgement } from "./judge.ts";

/** One service, as a person who reads its rows one after the other would keep it on paper. */
export interface Plain {
  readonly name: string;
  definition: ServiceDefinition;
  version: number;
  desired: "running" | "stopped";
  deleting: boolean;
  phase: string;
  /** One life of its process, from the row that asks for it until nothing is left. */
  open?: { id: string; seq: number; pid?: number; isExited: boolean } | undefined;
  /** When it came into its phase. */
  since: number;
  spawnedAt: number;
  /** When it failed and was to be tried again, since a person last started it. */
  failures: number[];
  restarts: number;
  /** Why it is down where it should run. */
  ended?: Judgement | "drained" | undefined;
}

/** What a row does to a service that is there. Rows of other types say nothing about it that is kept here. */
type Reading = (service: Plain, row: EventRow) => void;

/** Rows that may be of a life that is over, or begin one. */
const FREE = new Set(["output.ended", "process.spawn_requested"]);

const UP = new Set(["starting", "running"]);

const starts: Reading = (service) => {
  service.desired = "running";
  service.ended = undefined;
  service.restarts = 0;
  service.failures = [];
};

const stops: Reading = (service) => {
  service.desired = "stopped";
  service.ended = undefined;
};

/** An end that nobody asked for: what follows is what the policy says. */
function fails(service: Plain, row: EventRow, status?: ExitStatus, isFinal = false): void {
  const verdict = isFinal
    ? "ends badly"
    : judge(service.definition, service.failures, row.at, status);
  if (verdict !== "retried") service.ended = verdict;
  const isProcess = row.type === "process.exited" || row.type === "process.spawn_failed";
  const down = row.type === "process.spawn_failed" ? "failed" : "stopping";
  const expected = verdict === "retried" ? (isProcess ? "crashed" : "restarting") : down;
  keeps(
    row.toState === expected,
    "restart policy",
    () => `row ${row.seq}: ${row.type} of ${service.name} leads to ${row.toState}, not ${expected}`,
  );
}

function closes(service: Plain, row: EventRow): void {
  keeps(
    service.open?.id === row.incarnation,
    "I1",
    () => `row ${row.seq} closes ${row.incarnation}, and ${service.open?.id} is open`,
  );
  service.open = undefined;
}

/** Before this no timer of the name may count, by the words of the definition. */
function earliest({ definition, failures, since, spawnedAt }: Plain, timer: string): number {
  const { readyTimeoutMs = 60_000, backoff = {} } = definition;
  const {
    resetAfterMs = 30_000,
    firstMs = 200,
    factor = 2,
    maxMs = 30_000,
    jitter = 0.2,
  } = backoff;
  if (timer === "ready") return spawnedAt + readyTimeoutMs;
  if (timer === "healthy") return since + resetAfterMs;
  const delay = Math.min(maxMs, firstMs * factor ** (failures.length - 1));
  return (failures.at(-1) ?? 0) + Math.floor(delay * (1 - jitter));
}

const READINGS: Readonly<Record<string, Reading>> = {
  "service.start_requested": starts,
  "service.restart_requested": starts,
  "service.changed": (service, row) => {
    service.definition = row.data["definition"] as unknown as ServiceDefinition;
    service.version = Number(row.data["version"]);
    service.restarts = 0;
    service.failures = [];
    if (row.data["start"] === true) starts(service, row);
  },
  "service.stop_requested": stops,
  "service.delete_requested": (service, row) => {
    stops(service, row);
    service.deleting = true;
  },
  "service.drain_requested": (service) => void (service.ended = "drained"),
  "process.spawn_requested": (service, row) => {
    const { open, name } = service;
    keeps(!open, "I1", () => `row ${row.seq} asks for a process of ${name} beside ${open?.id}`);
    service.open = { id: String(row.incarnation), seq: row.seq, isExited: false };
  },
  "process.spawned": (service, row) => {
    service.spawnedAt = row.at;
    if (service.open?.id === row.incarnation)
      service.open = { ...service.open, pid: Number(row.data["pid"]) } as Plain["open"];
  },
  "process.spawn_failed": (service, row) => {
    closes(service, row);
    const { permanent } = row.data["error"] as unknown as SpawnError;
    if (row.fromState === "starting") fails(service, row, undefined, permanent);
  },
  "process.exited": (service, row) => {
    if (service.open) service.open.isExited = true;
    if (UP.has(row.fromState ?? "")) fails(service, row, row.data["status"] as ExitStatus);
  },
  "process.lost": (service) => {
    if (service.open) service.open.isExited = true;
  },
  "health.failed": (service, row) => fails(service, row),
  "incarnation.emptied": closes,
  "timer.fired": (service, row) => {
    const due = earliest(service, row.data["timer"] as string);
    const say = () => `row ${row.seq}: ${service.name}'s timer fires at ${row.at}, before ${due}`;
    keeps(row.at >= due, "timers", say);
    if (row.data["timer"] === "ready") fails(service, row);
    if (row.data["timer"] === "healthy") service.failures = [];
  },
  "environment.booted": (service, row) => {
    const found = row.data["found"] as unknown as Found;
    const isBack = row.toState === "pending" || row.toState === "restarting";
    const mayBeBack =
      service.desired === "running" &&
      (service.ended === undefined ||
        service.ended === "drained" ||
        row.data["newMachineBoot"] === true);
    keeps(
      !isBack || mayBeBack,
      "I6",
      () =>
        `row ${row.seq} brings ${service.name} back, which is ${service.desired}, ${service.ended}`,
    );
    keeps(
      found.kind === "none" || service.open !== undefined,
      "I1",
      () => `row ${row.seq} found a process of ${service.name}, which has none`,
    );
    if (isBack) service.ended = undefined;
  },
};

/** Takes one more row of a service. @throws Broken what it must not say */
export function read(before: Plain | undefined, name: string, row: EventRow): Plain | undefined {
  if (row.type === "service.created") return born(name, row);
  if (!before) return undefined;
  const isOfItsLife =
    row.incarnation === null || FREE.has(row.type) || row.incarnation === before.open?.id;
  const say = () =>
    `row ${row.seq} (${row.type}) of ${name} is of ${row.incarnation}, and ${before.open?.id} is open`;
  keeps(isOfItsLife, "I1", say);
  READINGS[row.type]?.(before, row);
  if (row.toState !== before.phase) before.since = row.at;
  if (row.toState === "crashed" && row.fromState !== "crashed") {
    before.restarts += 1;
    before.failures.push(row.at);
  }
  before.phase = row.toState;
  return row.toState === "deleted" ? undefined : before;
}

const born = (name: string, { data, toState, at }: EventRow): Plain => ({
  name,
  definition: data["definition"] as unknown as ServiceDefinition,
  version: Number(data["version"]),
  desired: "running",
  deleting: false,
  phase: toState,
  since: at,
  spawnedAt: 0,
  failures: [],
  restarts: 0,
});

/** Whether others may start that need this one. */
export const isUp = (service: Plain | undefined): boolean =>
  service !== undefined &&
  (service.definition.oneshot === true
    ? service.phase === "stopped" && service.ended === "ends well"
    : service.phase === "running");
