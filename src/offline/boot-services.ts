import { resolved, type ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus, Found } from "../../machines/service-events.ts";
import { waitingFor } from "../commands/views.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { idOf, type EventRow } from "../journal/record.ts";
import { foundReason, notStartedReason, startReason } from "./boot-reasons.ts";
import type { Boot } from "./boots.ts";
import { type PastService, spriteAt } from "./past-services.ts";
import { wishInWords } from "./steps.ts";
import { endOfProcess, numberOf } from "./words.ts";

/** What a boot made of one service. Times in milliseconds after the boot's first row, by our own clock. */
export interface BootService {
  name: string;
  /** What it was before. */
  phase: string;
  desired: string;
  version: number;
  found: Found["kind"];
  /** Whether the boot started it, or is to when what it waits for is there. */
  decision: "start" | "leave" | "wait";
  /** Sentences: why it was started, or not. */
  why: readonly string[];
  /** What held its start up to its end: a need that came up, or another one of too many that were starting. */
  heldBy?: { name: string; kind: "need" | "turn" };
  /** It waits for these still, or waited when the daemon ended. */
  waitsFor: readonly string[];
  askedMs?: number;
  spawnedMs?: number;
  upMs?: number;
  /** The row with which it was up. */
  upSeq?: number;
  pid?: number;
  /** What became of that start, where it did not come up. */
  failed?: string;
}

/** The rows of a service that a boot led to, up to its first life's coming up or end. */
interface FirstStart {
  booted?: EventRow;
  asked?: EventRow;
  spawned?: EventRow;
  running?: EventRow;
  ended?: EventRow;
  /** A person's wish that came before it was started. */
  wish?: EventRow;
}

/** Rows of a stream that are looked at for its first start: a service that is up or down again within. */
const ROWS = 64;

/**
 * What a boot made of each service that was there: in the order in which they were started, then those that were not.
 *
 * @throws AppError `events_gone` where what was before it is gone
 */
export function bootServices(reader: EventReader, boot: Boot): BootService[] {
  const before = spriteAt(reader, boot.first - 1);
  const after = spriteAt(reader, boot.last.seq);
  const find = (name: string): PastService | undefined => after.services.get(name);
  return [...before.services.values()]
    .map((service) => {
      const start = firstStart(reader, boot, service.name, runsOnce(service));
      const now = find(service.name);
      const waitsFor = now && !start.asked ? waitingFor(now, find) : [];
      return {
        ...told(reader, service, start),
        waitsFor,
        ...timesOf(reader, boot, service, start),
      };
    })
    .toSorted(
      (one, other) =>
        (one.askedMs ?? Infinity) - (other.askedMs ?? Infinity) || (one.name < other.name ? -1 : 1),
    );
}

function firstStart(reader: EventReader, boot: Boot, name: string, isOnce: boolean): FirstStart {
  const start: FirstStart = {};
  for (const row of reader.fromSeqIn(`service/${name}`, boot.first, ROWS)) {
    if (row.bootId !== boot.id) break;
    if (row.type === "environment.booted") start.booted = row;
    else if (row.type === "process.spawn_requested") start.asked ??= row;
    else if (!start.asked && isWish(row)) start.wish ??= row;
    const mine = start.asked !== undefined && row.incarnation === start.asked.incarnation;
    if (mine && row.type === "process.spawned") start.spawned = row;
    if (mine && row.toState === "running") start.running ??= row;
    if (mine && ENDS.has(row.type)) start.ended = row;
    if (start.ended || (start.running && !isOnce)) break;
  }
  return start;
}

/** Of what is up once its work is done, not while it runs. */
const runsOnce = ({ context }: PastService): boolean => context.definition.oneshot === true;

const isWish = ({ type }: EventRow): boolean =>
  type.startsWith("service.") && type !== "service.drain_requested";

const ENDS = new Set(["process.exited", "process.spawn_failed", "process.lost"]);

function told(
  reader: EventReader,
  service: PastService,
  start: FirstStart,
): Omit<BootService, "waitsFor"> {
  const { name, phase, context } = service;
  const found = (start.booted?.data["found"] ?? { kind: "none" }) as unknown as Found; // its machine took it
  return {
    name,
    phase,
    desired: context.desired,
    version: context.version,
    found: found.kind,
    decision: decisionOf(start.booted, start.asked),
    why: reasonsOf(reader, service, start, found),
  };
}

/** How far the boot's own start of it came; nothing where it was somebody else's. */
function timesOf(
  reader: EventReader,
  boot: Boot,
  service: PastService,
  start: FirstStart,
): Partial<BootService> {
  const { booted, asked, spawned, running, ended } = start;
  const { definition } = service.context;
  if (!asked || decisionOf(booted, asked) !== "start") return {};
  const since = (row: EventRow): number => row.at - boot.booted.at;
  const held = heldBy(reader, asked, resolved(definition).needs);
  const pid = spawned && numberOf(spawned, "pid");
  const up = runsOnce(service) ? (isDone(definition, ended) ? ended : undefined) : running;
  return {
    askedMs: since(asked),
    ...(held && { heldBy: held }),
    ...(spawned && { spawnedMs: since(spawned) }),
    ...(pid !== undefined && { pid }),
    ...(up && { upMs: since(up), upSeq: up.seq }),
    ...(ended && !up && { failed: endOfProcess(ended) }),
  };
}

function isDone(definition: ServiceDefinition, ended: EventRow | undefined): boolean {
  const { successExitCodes } = resolved(definition);
  const { code } = (ended?.data["status"] ?? {}) as ExitStatus; // its machine took it
  return code !== undefined && successExitCodes.includes(code);
}

function decisionOf(
  booted: EventRow | undefined,
  asked: EventRow | undefined,
): BootService["decision"] {
  if (asked && asked.correlation === booted?.correlation) return "start";
  const willTry = ["pending", "restarting", "crashed"].includes(booted?.toState ?? "");
  if (!willTry) return "leave";
  return asked ? "start" : "wait";
}

const FOR_ANOTHER = "it was to be started for another service that needs it";

function reasonsOf(
  reader: EventReader,
  service: PastService,
  { booted, wish }: FirstStart,
  found: Found,
): string[] {
  if (service.quarantined !== null) return [`it is quarantined: ${service.quarantined}`];
  if (!booted) return ["the boot recorded nothing of it"];
  const isStarted = ["pending", "restarting", "crashed"].includes(booted.toState);
  const reason = isStarted
    ? startReason(service, booted)
    : notStartedReason(reader, service, booted);
  return [
    ...foundReason(found),
    reason,
    ...(wish ? [`then ${wishInWords(wish) ?? FOR_ANOTHER} (event ${wish.seq})`] : []),
  ];
}

/** What had to happen before its process was asked for: the row that released it is another service's. */
function heldBy(
  reader: EventReader,
  asked: EventRow,
  needs: readonly string[],
): BootService["heldBy"] {
  const released = asked.cause === null ? undefined : reader.byId(asked.cause);
  if (!released || released.stream === asked.stream || !released.stream.startsWith("service/"))
    return undefined;
  const name = idOf(released.stream);
  return { name, kind: needs.includes(name) ? "need" : "turn" };
}
