import { resolved } from "../../machines/definition.ts";
import type { ExitStatus, Found } from "../../machines/service-events.ts";
import { formatDuration } from "../base/duration.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { idOf, type EventRow } from "../journal/record.ts";
import type { Life } from "./lives.ts";
import {
  delayInWords,
  endOfProcess,
  failureNumber,
  isByPerson,
  numberOf,
  ranMs,
  textOf,
  who,
} from "./words.ts";

/** What one event was, in words, in the chain that led to something. */
export interface Step {
  row: EventRow;
  text: string;
}

/** Finds the event that led to another one. */
export type Causes = Pick<EventReader, "byId">;

/** An end so soon after a signal is told with it, in milliseconds. */
const SOON_AFTER_MS = 10_000;

export const causeOf = (causes: Causes, { cause }: EventRow): EventRow | undefined =>
  cause === null ? undefined : causes.byId(cause);

const step = (row: EventRow | undefined, text: string): Step[] => (row ? [{ row, text }] : []);

const WISHES: Readonly<Record<string, (name: string, row: EventRow) => string>> = {
  "service.created": (name) => `created ${name}`,
  "service.changed": (name, row) =>
    `changed the definition of ${name} to version ${numberOf(row, "version")}`,
  "service.start_requested": (name) => `asked to start ${name}`,
  "service.stop_requested": (name) => `asked to stop ${name}`,
  "service.restart_requested": (name, row) => `asked to restart ${name}${changedPath(row)}`,
  "service.delete_requested": (name) => `asked to delete ${name}`,
  "service.signal_requested": (name, row) => `had ${name} sent ${textOf(row, "signal")}`,
};

/** The file whose change was the reason, where one was. */
const changedPath = (row: EventRow): string => {
  const path = textOf(row, "path");
  return path === "" ? "" : `, since ${path} changed`;
};

/** A person's wish in words: `uid 0 asked to start web`. Undefined for what is none. */
export function wishInWords(row: EventRow): string | undefined {
  return isByPerson(row)
    ? WISHES[row.type]?.(idOf(row.stream), row) &&
        `${who(row.actor)} ${WISHES[row.type]?.(idOf(row.stream), row)}`
    : undefined;
}

/** What asked for a start or an end, followed up to whoever asked first. */
export function askedSteps(causes: Causes, row: EventRow, life?: Life): Step[] {
  const wish = wishInWords(row);
  if (wish !== undefined) return step(row, wish);
  switch (row.type) {
    case "service.start_requested":
      return neededSteps(causes, row);
    case "service.drain_requested":
      return drainSteps(causes, row);
    case "environment.booted":
      return bootSteps(causes, row);
    case "health.failed":
      return step(row, healthInWords(row));
    case "timer.fired":
      return [...unreadySteps(life), ...step(row, life ? lateInWords(life) : "a timer ran out")];
    default:
      return step(row, `${row.type} led to it`);
  }
}

const healthInWords = (row: EventRow): string =>
  `its health check failed ${numberOf(row, "failures")} times in a row, at last with: ${textOf(row, "reason")}`;

const lateInWords = ({ definition }: Life): string =>
  `it was not ready within ${formatDuration(resolved(definition).readyTimeoutMs)}`;

const unreadySteps = (life: Life | undefined): Step[] => {
  const row = life?.unready;
  return row ? step(row, `it was not ready: ${textOf(row, "reason")}`) : [];
};

/** A need is started for what needs it, which may be needed itself. */
function neededSteps(causes: Causes, row: EventRow): Step[] {
  const cause = causeOf(causes, row);
  if (!cause) return step(row, "it was to be started for a service that needs it");
  return [
    ...askedSteps(causes, cause),
    ...step(
      row,
      `${idOf(row.stream)} was to be started for it, since ${idOf(cause.stream)} needs ${idOf(row.stream)}`,
    ),
  ];
}

function drainSteps(causes: Causes, row: EventRow): Step[] {
  const asked = drainOf(causes, row);
  return [
    ...step(asked, asked ? `the daemon was told to end, by ${textOf(asked, "reason")}` : ""),
    ...step(row, "so it was to end, too, and to come back with the next daemon"),
  ];
}

/** What began a shutdown. A service that others need is told later, by the end of the last of them. */
export function drainOf(causes: Causes, row: EventRow): EventRow | undefined {
  for (let at = causeOf(causes, row); at; at = causeOf(causes, at))
    if (at.type === "environment.drain_requested") return at;
  return undefined;
}

/** A daemon began: what had become of the one before, and what this one found. */
function bootSteps(causes: Causes, row: EventRow): Step[] {
  const daemon = causeOf(causes, row);
  return [
    ...step(daemon, daemon ? daemonInWords(daemon, row.data["newMachineBoot"] === true) : ""),
    ...step(row, foundInWords(row)),
  ];
}

function daemonInWords(daemon: EventRow, isNewMachine: boolean): string {
  const machine = isNewMachine ? ", on a new boot of the machine" : "";
  return `a daemon began${machine}; the one before it had been ${endOfDaemon(daemon)}`;
}

/** How the daemon before a boot ended: only one that was killed leaves another state than `down`. */
export function endOfDaemon({ fromState }: EventRow): string {
  if (fromState === "down") return "shut down";
  return fromState === "draining" ? "killed while it shut down" : "killed";
}

function foundInWords({ data, fromState, toState }: EventRow): string {
  const found = data["found"] as unknown as Found; // its machine took it
  if (found.kind === "proven")
    return `it found process ${found.pids.join(", ")} of the earlier life, proved it ours and ended it`;
  if (found.kind === "unproven")
    return `it found process ${found.pid}, which nothing proves ours, and left it alone`;
  if (toState === "restarting") return "it found nothing of the earlier life";
  if (fromState !== "pending" && toState === "pending") return "so it was to be started again";
  return "it was to be started already";
}

/** How a life ended, and what that led to. Ordered by its rows. */
export function endSteps(causes: Causes, life: Life | undefined): Step[] {
  if (!life) return [];
  const { endAskedBy, commandFailed, end, failure, killed, unkillable } = life;
  const signal = tellingSignal(life);
  return [
    ...(endAskedBy ? askedSteps(causes, endAskedBy, life) : []),
    ...step(signal, signal ? (wishInWords(signal) ?? "it was sent a signal") : ""),
    ...step(
      commandFailed,
      commandFailed
        ? `its stop command failed, and it got its signal: ${textOf(commandFailed, "reason")}`
        : "",
    ),
    ...step(killed, "its time to end was over, and everything of it got KILL"),
    ...step(
      unkillable,
      unkillable ? `process ${numberOf(unkillable, "pid")} of it outlived KILL` : "",
    ),
    ...step(end, endSentence(life)),
    ...step(failure?.row, failureSentence(life)),
  ];
}

/** A signal that somebody had sent and that may be why it ended: it is what killed it, or came shortly before. */
function tellingSignal({ signal, end }: Life): EventRow | undefined {
  if (!signal || !end) return signal;
  const { signal: killedBy } = (end.data["status"] ?? {}) as ExitStatus; // its machine took it
  const isNear = end.at - signal.at <= SOON_AFTER_MS;
  return isNear || killedBy === signal.data["signal"] ? signal : undefined;
}

function endSentence(life: Life): string {
  const { end, spawned, endAskedBy } = life;
  if (!end) return "";
  const pid = spawned && numberOf(spawned, "pid");
  const ran = ranMs(life);
  const after =
    ran === undefined || end.type !== "process.exited" ? "" : ` after ${formatDuration(ran)}`;
  const isCrash = end.type === "process.exited" && !endAskedBy && !tellingSignal(life);
  const unasked = isCrash ? ", and nobody had asked for that" : "";
  return `its process${pid === undefined ? "" : ` ${pid}`} ${endOfProcess(end)}${after}${unasked}`;
}

const failureSentence = ({ failure, definition }: Life): string =>
  failure
    ? `that was ${failureNumber(failure)}, so the next try was to follow after ${delayInWords(failure, definition)}`
    : "";

/** What led to a start, and, as far as it came, the start. */
export function startSteps(causes: Causes, life: Life, previous: Life | undefined): Step[] {
  const { asked, spawned, ready } = life;
  const pid = spawned && numberOf(spawned, "pid");
  return [
    ...reasonSteps(causes, life.reason, previous),
    ...waitSteps(causes, life),
    ...step(asked, "a new process was asked for"),
    ...step(spawned, `it runs as process ${pid}`),
    ...step(ready, "it was ready"),
  ];
}

/** Why a service was to be started. */
export function reasonSteps(causes: Causes, reason: EventRow, previous: Life | undefined): Step[] {
  switch (reason.type) {
    case "timer.fired":
      return [...endSteps(causes, previous), ...step(reason, "that delay was over")];
    case "incarnation.emptied":
    case "process.spawn_failed":
      return [...endSteps(causes, previous), ...againSteps(causes, reason, previous)];
    case "environment.booted":
      return [...endSteps(causes, previous), ...bootSteps(causes, reason)];
    default:
      return askedSteps(causes, reason);
  }
}

/** A start that followed an end at once. */
function againSteps(causes: Causes, reason: EventRow, previous: Life | undefined): Step[] {
  const again = previous?.restartedBy;
  if (reason.fromState !== "restarting")
    return step(reason, "nothing of it was left, and its delay was over");
  return [
    ...(again && again !== previous.endAskedBy ? askedSteps(causes, again, previous) : []),
    ...(reason === previous?.end ? [] : step(reason, "nothing of it was left")),
  ];
}

/** What came between a wish to start and the start: a need, or that too many were starting. */
function waitSteps(causes: Causes, { asked, reason, definition }: Life): Step[] {
  const released = causeOf(causes, asked);
  if (!released || released.id === reason.id || released.stream === asked.stream) return [];
  const other = idOf(released.stream);
  return resolved(definition).needs.includes(other)
    ? step(released, `it had waited for ${other}, which came up`)
    : step(released, "it had waited for its turn: so many were being started at once");
}
