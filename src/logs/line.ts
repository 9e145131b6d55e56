import type { LogLine } from "./ports.ts";

/** Longest text of one line in a log, in bytes; what is longer goes on in further lines that begin with `CONTINUED`. */
export const MAX_LINE_BYTES = 65_536;

/** Flag in front of a line that goes on with the text of the line above it. */
export const CONTINUED = "[cont] ";

/** Begins the text of a line that sprite-env itself put into a service's log. */
const OWN_MARK = "[sprite-env] ";

/** Lengths of `2026-06-02T17:11:17.821Z`, and of that with ` [stderr] ` (both tags are equally long). */
const STAMP_LENGTH = 24;
export const PREFIX_LENGTH = 34;

/** What stands in front of each line of a batch. */
export const prefixOf = (time: number, stream: LogLine["stream"]): string =>
  `${new Date(time).toISOString()} [${stream}] `;

/** One whole line of our own, as it goes into a log. A newline inside the text would make two of it. */
export const ownLine = (text: string, time: number): Buffer =>
  Buffer.from(`${prefixOf(time, "stderr")}${text.replaceAll("\n", "\\n")}\n`);

/** The text of a gap record: how much is missing, and why. */
export const lostText = (lines: number, bytes: number, reason: string): string =>
  `${OWN_MARK}gap: ${lines} ${lines === 1 ? "line" : "lines"} (${bytes} bytes) could not be written: ${reason}`;

/** The text of a gap record for a time in which nobody listened. `since`: milliseconds of the wall clock. */
export const missedText = (since: number | undefined): string =>
  `${OWN_MARK}gap: output may be missing since ${since === undefined ? "the service was started" : new Date(since).toISOString()}`;

/** The text of a gap record for a process that ended and left its pipe to another one. */
export const heldText = (): string =>
  `${OWN_MARK}gap: a process it left behind still holds its output; what that writes from here on is not kept`;

/** What a follower that could not keep up is given in the place of so many lines. */
export const skippedLine = (lines: number): LogLine => ({
  stream: "stderr",
  time: Date.now(),
  text: `${OWN_MARK}gap: ${lines} ${lines === 1 ? "line is" : "lines are"} not shown here, since they came too fast; the log file has them`,
});

/**
 * Takes a line of a log apart.
 * @returns undefined for a line that does not have our form: somebody else wrote it, or a power cut tore it
 */
export function parseLine(raw: string): LogLine | undefined {
  const stream = streamOf(raw.slice(STAMP_LENGTH, PREFIX_LENGTH));
  if (stream === undefined) return undefined;
  const time = Date.parse(raw.slice(0, STAMP_LENGTH));
  return Number.isNaN(time) ? undefined : { stream, time, text: raw.slice(PREFIX_LENGTH) };
}

function streamOf(tag: string): LogLine["stream"] | undefined {
  if (tag === " [stdout] ") return "stdout";
  return tag === " [stderr] " ? "stderr" : undefined;
}

/** Takes the lines of a piece of a log apart. A line without our form keeps the time of the one above it. */
export function parseLines(bytes: Uint8Array): LogLine[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const raws = text.split("\n");
  if (raws.at(-1) === "") raws.pop();
  let time = 0;
  return raws.map((raw) => {
    const line = parseLine(raw) ?? { stream: "stdout", time, text: raw };
    time = line.time;
    return line;
  });
}
