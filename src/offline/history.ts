import type { ServiceContext } from "../../machines/service-context.ts";
import { formatDuration } from "../base/duration.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { stateAt } from "../runtime/past.ts";
import { mustBeKnown } from "./events.ts";
import { type Life, LifeTracker } from "./lives.ts";
import { askedSteps, causeOf, type Causes, drainOf, endOfDaemon, wishInWords } from "./steps.ts";
import type { Store } from "./store.ts";
import { endInWords, failureNumber, numberOf, ranMs, textOf } from "./words.ts";

/** One life, told in a line. Times in milliseconds of the wall clock. */
export interface HistoryLife {
  number: number;
  incarnation: string;
  /** The row that asked for it. */
  seq: number;
  /** Absent: no process came of it. */
  start?: number;
  pid?: number;
  end?: number;
  endSeq?: number;
  /** How long its main process ran, in milliseconds of our own clock. */
  ranMs?: number;
  /** How it ended, as the kernel told it; absent: it lives. */
  ended?: string;
  exit?: EventRow["data"];
  /** What asked for its end. */
  endedBy?: string;
  /** What led to it. */
  because: string;
  becauseSeq: number;
}

/** A person's wish. */
export interface HistoryWish {
  seq: number;
  wall: number;
  type: string;
  actor: string;
  text: string;
}

export interface History {
  service: string;
  /** Oldest first; older ones than asked for are counted alone. */
  lives: readonly HistoryLife[];
  earlier: number;
  /** All that came after the first life that is told, or led to it. */
  wishes: readonly HistoryWish[];
  /** Retention has removed its events up to this one: lives before are not known, and numbered from there on. Of wishes, what was archived is told. */
  goneUpTo?: number;
}

/**
 * Every life of a service, and what people wished of it, over all that ever had its name.
 *
 * @param limit the newest so many lives
 * @throws AppError `service_not_found`
 */
export function history({ reader }: Store, name: string, limit = Infinity): History {
  mustBeKnown(reader, name);
  const lives: HistoryLife[] = [];
  const wishes: HistoryWish[] = [];
  let count = 0;
  const keep = (life: Life): void => {
    count += 1;
    lives.push(told(reader, life));
    if (lives.length > limit) lives.shift();
  };
  const wished = (row: EventRow): void => {
    const text = wishInWords(row);
    const { seq, wall, type, actor } = row;
    if (text !== undefined) wishes.push({ seq, wall, type, actor, text });
  };
  const tracker = new LifeTracker(keep);
  const stream = `service/${name}`;
  const goneUpTo = resume(reader, stream, tracker, wished);
  for (const row of reader.stream(stream)) {
    tracker.add(row);
    wished(row);
  }
  if (tracker.previous) keep(tracker.previous);
  if (tracker.current) keep(tracker.current);
  const earlier = count - lives.length;
  const from = earlier > 0 ? (lives[0]?.becauseSeq ?? Infinity) : 0;
  return {
    service: name,
    lives,
    earlier,
    wishes: wishes.filter(({ seq }) => seq >= from),
    ...(goneUpTo !== undefined && { goneUpTo }),
  };
}

/** Begins behind what retention has removed of a stream, if it has. @returns the last event that is gone */
function resume(
  reader: EventReader,
  stream: string,
  tracker: LifeTracker,
  wished: (row: EventRow) => void,
): number | undefined {
  const cut = reader.firstSeq() - 1;
  if (cut === 0) return undefined;
  const asked = reader.archived(stream);
  const { snapshot } = stateAt(reader, stream, cut);
  if (snapshot) tracker.resume(snapshot.context as ServiceContext, asked); // a service's stream has its machine
  for (const row of asked) wished(row);
  return snapshot || asked.length > 0 ? cut : undefined;
}

function told(causes: Causes, life: Life): HistoryLife {
  const { number, incarnation, asked, spawned, end, endAskedBy } = life;
  const led = because(causes, life);
  const pid = spawned && numberOf(spawned, "pid");
  const ran = ranMs(life);
  const by = endAskedBy && askedText(causes, endAskedBy, life);
  const exit = end?.type === "process.exited" ? end.data["status"] : end?.data["error"];
  return {
    number,
    incarnation,
    seq: asked.seq,
    ...(spawned && { start: spawned.wall }),
    ...(pid !== undefined && { pid }),
    ...(end && { end: end.wall, endSeq: end.seq, ended: endInWords(end) }),
    ...(ran !== undefined && { ranMs: ran }),
    ...(isObject(exit) && { exit }),
    ...(by !== undefined && { endedBy: by }),
    because: led.text,
    becauseSeq: led.row.seq,
  };
}

/** What asked for a start or an end, in fewer words than a chain of steps has. */
function askedText(causes: Causes, row: EventRow, life: Life): string {
  switch (row.type) {
    case "environment.booted": {
      const daemon = causeOf(causes, row);
      const machine = row.data["newMachineBoot"] === true ? " on a new boot of the machine" : "";
      return daemon ? `boot${machine} after the daemon was ${endOfDaemon(daemon)}` : "boot";
    }
    case "service.drain_requested": {
      const asked = drainOf(causes, row);
      return `shutdown${asked ? ` by ${textOf(asked, "reason")}` : ""}`;
    }
    default:
      return askedSteps(causes, row, life).at(-1)?.text ?? row.type;
  }
}

/** What led to a life, and the row that it was. */
function because(causes: Causes, life: Life): { text: string; row: EventRow } {
  const { reason, before } = life;
  const { failure, restartedBy } = before;
  const isRetry = reason.type === "timer.fired" || reason.fromState === "crashed";
  if (isRetry && failure && !reason.type.startsWith("service.")) {
    const text = `${failureNumber(failure)}, tried again in ${formatDuration(failure.delayMs)}`;
    return { text, row: failure.row };
  }
  const row = (reason.fromState === "restarting" && restartedBy) || reason;
  return { text: askedText(causes, row, life), row };
}

const isObject = (value: unknown): value is EventRow["data"] =>
  typeof value === "object" && value !== null && !Array.isArray(value);
