import { encodeLine } from "../base/ndjson.ts";
import type { StreamLine } from "../commands/ports.ts";
import type { StreamLineWire } from "./view-schemas.ts";

/** Longest line we send, in bytes with its newline. The Go client's scanner fails at 64 KiB. Source: bufio.MaxScanTokenSize. */
const MAX_LINE_BYTES = 65_000;

/** What a line carries between its type and its time; for each type what it has. */
function contentOf(line: StreamLine): Omit<StreamLineWire, "type" | "timestamp"> {
  if ("data" in line && line.data !== undefined) return { data: line.data };
  if ("exitCode" in line && line.exitCode !== undefined) return { exit_code: line.exitCode };
  if (line.type !== "complete") return {};
  const { logFile, message } = line;
  const log_files = { combined: logFile, stderr: logFile, stdout: logFile };
  return { ...(message !== undefined && { message }), log_files };
}

/** A line as it is sent: `type`, what it carries, `timestamp`. */
export const lineWire = (line: StreamLine): StreamLineWire => ({
  type: line.type,
  ...contentOf(line),
  timestamp: line.time,
});

/** The middle of a text, one later where it would part the halves of a character. */
const middleOf = (text: string): number => {
  const middle = text.length >> 1;
  const before = text.charCodeAt(middle - 1);
  return before >= 0xd800 && before <= 0xdbff ? middle + 1 : middle;
};

function split(line: StreamLineWire): string {
  const text = encodeLine(line);
  const { data } = line;
  if (data === undefined || data.length < 2 || Buffer.byteLength(text) <= MAX_LINE_BYTES)
    return text;
  const middle = middleOf(data);
  return (
    split({ ...line, data: data.slice(0, middle) }) + split({ ...line, data: data.slice(middle) })
  );
}

/** A line as text; data that is too long for the clients goes out as several lines of the same type and time. */
export const encodeStreamLine = (line: StreamLine): string => split(lineWire(line));
