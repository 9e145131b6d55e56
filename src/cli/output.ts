import { writeSync } from "node:fs";
import { isatty } from "node:tty";

/** Exit code of a program whose reader left, as the shell gives it for SIGPIPE. */
const READER_LEFT = 141;

const waitCell = new Int32Array(new SharedArrayBuffer(4));

/** Whether a person reads standard output. */
export const onTerminal = (): boolean => isatty(1);

const colours = (descriptor: number): boolean =>
  isatty(descriptor) && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";

/**
 * Writes all of it before it returns, so that nothing is lost when the process ends at once.
 * A pipe that was made non-blocking by whoever shares it is full at times: then it waits for 2 ms and tries again.
 */
function writeAll(descriptor: number, text: string): void {
  let left = Buffer.from(text);
  while (left.length > 0) left = left.subarray(writeSome(descriptor, left));
}

function writeSome(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") leave(READER_LEFT);
    if (code !== "EAGAIN") throw error;
    Atomics.wait(waitCell, 0, 0, 2);
    return 0;
  }
}

/** Prints a line, or several. */
export const print = (text: string): void => writeAll(1, `${text}\n`);

/** Prints bytes as they are. */
export function printBytes(bytes: Buffer): void {
  for (let left = bytes; left.length > 0;) left = left.subarray(writeSome(1, left));
}

/** Says something beside the output: on standard error, so that what is piped stays clean. */
export const say = (text: string): void => writeAll(2, `${text}\n`);

/** Ends the process at once. `process.exit` would do it, too, but first looks for what nobody left behind. */
export function leave(code: number): never {
  const ending = process as unknown as { reallyExit: (code: number) => never }; // what process.exit ends in
  return ending.reallyExit(code);
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Colour = keyof typeof CODES;

/** Colours a text for standard output, where a person reads it and NO_COLOR is not set. */
export const paint = (colour: Colour, text: string): string =>
  colours(1) ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;

/** The same for standard error. */
export const paintError = (colour: Colour, text: string): string =>
  colours(2) ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
