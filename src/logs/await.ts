import { PREFIX_LENGTH } from "./line.ts";

const NEWLINE = 10;

/**
 * Whether one of these stamped lines holds a text, in what the service wrote, not in the stamp.
 *
 * Bytes are compared, by one native search over them all: neither the text nor the lines can make it slow.
 */
export function holdsText(lines: Buffer, text: Buffer): boolean {
  let at = lines.indexOf(text);
  while (at !== -1) {
    const written = beginOfLine(lines, at) + PREFIX_LENGTH;
    if (at >= written) return true;
    at = lines.indexOf(text, written);
  }
  return false;
}

const beginOfLine = (lines: Buffer, at: number): number =>
  at === 0 ? 0 : lines.lastIndexOf(NEWLINE, at - 1) + 1;
