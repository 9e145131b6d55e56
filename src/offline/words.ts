import { printable } from "../base/printable.ts";
import { nextDelay } from "../../machines/backoff.ts";
import { resolved } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import type { ExitStatus, SpawnError } from "../../machines/service-events.ts";
import { formatDuration } from "../base/duration.ts";
import type { EventRow } from "../journal/record.ts";
import type { Failure } from "./failures.ts";
import type { Life } from "./lives.ts";

/** Who asked, as people say it: `uid:0` is `uid 0`. */
export function who(actor: string): string {
  if (actor === "runtime") return "sprite-env";
  if (actor === "watch") return "the watch over its files";
  if (actor === "proxy") return "the proxy, for a request,";
  return actor.replace(":", " ");
}

/** Whether somebody outside asked for it. */
export const isByPerson = ({ actor }: EventRow): boolean => actor !== "runtime";

/** Text of an event's data; "" where there is none. */
export const textOf = (row: EventRow, key: string): string => {
  const value = row.data[key];
  return typeof value === "string" ? printable(value) : "";
};

/** A number of an event's data. */
export const numberOf = (row: EventRow, key: string): number | undefined => {
  const value = row.data[key];
  return typeof value === "number" ? value : undefined;
};

/** How a life's main process ended, as the kernel told it: `exited with code 1`. */
export function endInWords({ type, data }: EventRow): string {
  if (type === "process.exited") {
    const status = data["status"] as ExitStatus; // its machine took it
    const isKnown = status.code !== undefined || status.signal !== undefined || status.oom;
    return isKnown ? exitInWords(status) : "ended, and how is not known";
  }
  if (type === "process.spawn_failed") {
    const error = data["error"] as unknown as SpawnError;
    return `could not be started: ${printable(error.message)} (${error.errno})`;
  }
  return "was gone, and how it ended is not known";
}

/** The same as what is said of a process: `was killed by signal TERM`. */
export function endOfProcess(row: EventRow): string {
  const words = endInWords(row);
  return words.startsWith("killed") ? `was ${words}` : words;
}

/** How long a life's main process ran, in milliseconds of our own clock; undefined where it never did or still does. */
export const ranMs = ({ spawned, end }: Life): number | undefined =>
  spawned && end ? end.at - spawned.at : undefined;

/** `the first failure`, `failure 3 in a row`. */
export const failureNumber = ({ attempt }: Failure): string =>
  attempt === 1 ? "the first failure" : `failure ${attempt} in a row`;

/** A delay and what it was made of: `212ms: 200ms, and 6 % more, since jitter drew 0.65`. */
export function delayInWords(failure: Failure, definition: Life["definition"]): string {
  const { backoff } = resolved(definition);
  const { attempt, delayMs, draw } = failure;
  const plain = nextDelay(backoff, attempt, 0.5);
  if (nextDelay(backoff, attempt, draw) < delayMs)
    return `${formatDuration(delayMs)}, the least for a crash-looping service`;
  const longest = plain >= backoff.maxMs && attempt > 1 ? ", the longest of its backoff" : "";
  const drawn = `jitter drew ${Number(draw.toFixed(3))}`;
  if (plain === delayMs) return `${formatDuration(delayMs)}${longest} (${drawn})`;
  const percent = Math.round((delayMs / plain - 1) * 100);
  const more = percent < 0 ? `${-percent} % less` : `${percent} % more`;
  return `${formatDuration(delayMs)}: ${formatDuration(plain)}${longest}, and ${more}, since ${drawn}`;
}
