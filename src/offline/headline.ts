import { printable } from "../base/printable.ts";
import { LOOP_FAILURES, LOOP_WINDOW_MS } from "../../machines/backoff.ts";
import { resolved } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import { formatDuration } from "../base/duration.ts";
import type { SpawnError } from "../../machines/service-events.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { LifeTracker } from "./lives.ts";
import { endOfProcess, who } from "./words.ts";
import { timeText } from "../base/time-text.ts";

/** What is known of a service at present. */
export interface Present {
  name: string;
  phase: string;
  /** Absent: it is deleted. */
  state?: ServiceRow;
  tracker: LifeTracker;
  /** What it waits for: services, with their phase where they are there, or an old process. */
  needs: readonly { need: string; phase: string | undefined }[];
  /** Phase of the environment, as recorded last. */
  environment: string;
  /** Milliseconds of the wall clock. */
  now: number;
  /** Whether a daemon looks after it. */
  daemon: boolean;
}

const DOWN = new Set(["stopped", "failed"]);

/** What a service is, in sentences: the answer before its reasons. */
export function headline(present: Present): string[] {
  const { state } = present;
  const sentences = [
    typeof state?.quarantined === "string" ? quarantined(present) : phaseInWords(present),
  ];
  if (state?.context.unkillablePid !== undefined)
    sentences.push(
      `Process ${state.context.unkillablePid} of it survives KILL: nothing new starts until it is gone.`,
    );
  if (state?.context.crashLooping && !DOWN.has(state.phase))
    sentences.push(
      `It is crash-looping: it failed ${LOOP_FAILURES} times or more within ${formatDuration(LOOP_WINDOW_MS)}.`,
    );
  if (state?.context.unhealthy !== undefined)
    sentences.push(`Its health check fails at present: ${printable(state.context.unhealthy)}.`);
  if (!present.daemon) sentences.push(noDaemon(present));
  return sentences;
}

const quarantined = ({ name, phase }: Present): string =>
  `${name} is quarantined: its log and its machine disagree, so nothing is done with it; it was ${phase} when that was found. Only delete is accepted.`;

function noDaemon({ environment }: Present): string {
  const how =
    environment === "down"
      ? "the last one was shut down"
      : "the last one was killed, or listens elsewhere";
  return `No daemon answers (${how}): this is what was recorded last.`;
}

/** `since 2026-… (3m2s)`. */
function since({ tracker, now }: Present): string {
  const { phaseBy } = tracker;
  if (!phaseBy) return "";
  const ms = Math.max(0, now - phaseBy.wall);
  return ` since ${timeText(phaseBy.wall)} (${formatDuration(ms < 10_000 ? ms : ms - (ms % 1_000))})`;
}

function phaseInWords(present: Present): string {
  const { name, phase } = present;
  switch (phase) {
    case "running":
      return `${name} runs${since(present)}${process(present)}.`;
    case "starting":
      return `${name} is starting${since(present)}${process(present)}${notReady(present)}.`;
    case "pending":
      return `${name} should run, and ${waits(present)}.`;
    case "crashed":
      return `${name} is down${since(present)}, and ${nextTry(present)}.`;
    case "restarting":
      return `${name} is being ended${since(present)}, and ${present.state?.context.failing ? "is tried again after a delay" : "starts again then"}.`;
    case "stopping":
      return `${name} is being ${present.state?.context.deleting ? "ended, and then deleted" : "stopped"}${since(present)}.`;
    case "stopped":
      return stopped(present);
    case "failed":
      return `${name} has failed, and is not tried again: ${noRetry(present)}. Start it with: sprite-env services start ${name}`;
    default:
      return `There is no service ${name} any more: ${deleted(present)}.`;
  }
}

function process({ state }: Present): string {
  const pid = state?.context.open?.pid;
  return pid === undefined ? "" : `, as process ${pid}`;
}

function notReady({ state }: Present): string {
  const { open, definition, unready } = state?.context ?? {};
  if (open?.pid === undefined || !definition?.ready) return "";
  return `, and is not ready yet${unready === undefined ? "" : `: ${printable(unready)}`}`;
}

function waits({ needs, state, environment }: Present): string {
  const pid = state?.context.unprovenPid;
  if (pid !== undefined)
    return `waits until process ${pid} ends: it may be of an earlier life, and nothing proves it ours, so it is neither ended nor doubled. Look at it, and end it by hand (kill ${pid})`;
  if (needs.length > 0) return `waits for ${needs.map(needInWords).join(", and for ")}`;
  if (environment !== "ready" && environment !== "booting") return "waits for a daemon to start it";
  return "waits for its turn: so many services are being started at once";
}

const needInWords = ({ need, phase }: { need: string; phase: string | undefined }): string =>
  phase === undefined
    ? `${need}, which is not there`
    : `${need}, which is ${phase} (see: sprite-env why ${need})`;

function nextTry({ state, tracker, now }: Present): string {
  const { dueAt, open } = state?.context ?? {};
  const failure = tracker.current?.failure;
  const left = open ? "what its process left behind is being ended first, " : "";
  if (dueAt === undefined || !failure) return `${left || "it is "}tried again`;
  const due = failure.row.wall + (dueAt - failure.row.at);
  const wait = due > now ? `in ${formatDuration(due - now)}` : "which is due";
  return `${left}${left ? "then " : ""}tried again at ${timeText(due)} (${wait})`;
}

function stopped(present: Present): string {
  const { name, state, tracker } = present;
  const stop = tracker.wishes.get("service.stop_requested");
  if (state?.context.desired === "stopped" && stop)
    return `${name} is stopped${since(present)}: ${who(stop.actor)} asked for it. It stays so until somebody starts it: sprite-env services start ${name}`;
  if (state?.context.ending === "drained")
    return `${name} is stopped${since(present)}, because its daemon was shut down; the next daemon starts it again.`;
  if (state?.context.desired === "stopped")
    return `${name} is stopped${since(present)}, as somebody asked. It stays so until somebody starts it: sprite-env services start ${name}`;
  const end = tracker.current?.end;
  const last = state?.context.lastExit;
  const ended = end ? endOfProcess(end) : last ? exitInWords(last) : "ended";
  return `${name} has done its work${since(present)}: its process ${ended}, which counts as success. It starts again with the next boot of the machine.`;
}

/** Why no retry comes, by the policy in force. */
function noRetry({ tracker }: Present): string {
  const { restart, maxFailures, windowMs } = resolved(tracker.definition);
  const error = tracker.current?.end?.data["error"] as unknown as SpawnError | undefined;
  if (error?.permanent) return "trying again cannot help";
  if (restart === "never") return "its restart policy is never";
  const times = maxFailures === 1 ? "once" : `${maxFailures} times`;
  return `it failed ${times} within ${formatDuration(windowMs)}, and its max_failures allows no more`;
}

function deleted({ tracker }: Present): string {
  const wish = tracker.wishes.get("service.delete_requested");
  if (!wish) return "it was given up";
  return `${who(wish.actor)} deleted it at ${timeText(wish.wall)}. Its log file is kept`;
}
