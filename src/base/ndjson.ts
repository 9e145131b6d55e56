import { pipeline, type Readable } from "node:stream";
import split2 from "split2";
import { AppError } from "./errors.ts";

/** The longest line taken from somebody else, in characters. */
const MAX_LINE = 16 * 1_048_576;

/** One JSON object a line. JSON has no raw newline, so a line is whole. */
export const encodeLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new AppError("internal", `a line of the stream is not JSON: ${line.slice(0, 80)}`, {
      cause: error,
    });
  }
}

/**
 * The objects of an NDJSON stream, as they come. Blank lines are skipped; a last line without a newline counts.
 *
 * Leaving the loop destroys the source.
 *
 * @throws AppError `internal` for a line that is not JSON; the source's own error where it breaks off, and where a line
 *   has over 16 million characters
 */
export async function* decodeLines(source: Readable): AsyncGenerator<unknown, void, undefined> {
  const lines = pipeline(source, split2({ maxLength: MAX_LINE }), () => {}); // a failure reaches the loop through `lines`
  try {
    for await (const line of lines) {
      if (line.trim() !== "") yield parsed(line);
    }
  } finally {
    source.destroy();
  }
}
