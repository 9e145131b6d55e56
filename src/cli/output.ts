import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { cutTo } from "./width.ts";

/** Exit code of a program whose reader left, as the shell gives it for SIGPIPE. */
const READER_LEFT = 141;
const FAILED = 1;

const waitCell = new Int32Array(new SharedArrayBuffer(4));

/** Whether a person reads standard output. */
export const onTerminal = (): boolean => isatty(1);

/**
 * Whether a stream is coloured: where a person reads it, unless NO_COLOR is set or the terminal is dumb. FORCE_COLOR, which somebody sets
 * for one command, wins over both. Source: no-color.org, force-color.org.
 */
function colours(descriptor: number): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = process.env;
  if (force) return force !== "0" && force !== "false";
  return isatty(descriptor) && !no && term !== "dumb";
}

const clearedAtTheEnd: (() => void)[] = [];

/** Runs before the process ends in whatever way it does: what was changed on the terminal is put back. */
export function beforeLeaving(putBack: () => void): () => void {
  clearedAtTheEnd.push(putBack);
  return () => void clearedAtTheEnd.splice(clearedAtTheEnd.indexOf(putBack), 1);
}

/** Ends the process at once. `process.exit` would do it, too, but first looks for what nobody left behind. */
export function leave(code: number): never {
  clearStatus();
  for (const putBack of clearedAtTheEnd.splice(0)) putBack();
  const ending = process as unknown as { reallyExit: (code: number) => never }; // what process.exit ends in
  return ending.reallyExit(code);
}

/**
 * Writes all of it before it returns, so that nothing is lost when the process ends at once.
 * A pipe that was made non-blocking by whoever shares it is full at times: then it waits for 2 ms and tries again.
 */
function writeAll(descriptor: number, bytes: Buffer): void {
  for (let left = bytes; left.length > 0;) left = left.subarray(writeSome(descriptor, left));
}

function writeSome(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code !== "EAGAIN") return unwritten(descriptor, code, bytes.length);
    Atomics.wait(waitCell, 0, 0, 2);
    return 0;
  }
}

/** What is asked for and cannot be shown is a failure; what is said beside it is not worth one. */
function unwritten(descriptor: number, code: string, length: number): number {
  if (descriptor === 2) return length;
  if (code === "EPIPE") leave(READER_LEFT);
  const why = WHY[code] ?? code;
  say(`sprite-env: standard output cannot be written: ${why}`);
  return leave(FAILED);
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: "no space left where it goes",
  EDQUOT: "the quota is used up where it goes",
  EBADF: "it is closed",
  EIO: "the terminal is gone, or its disk fails",
};

/** Prints a line, or several. */
export const print = (text: string): void => printBytes(Buffer.from(`${text}\n`));

/** Prints bytes as they are. */
export function printBytes(bytes: Buffer): void {
  clearStatus();
  writeAll(1, bytes);
  redrawStatus();
}

/** Says something beside the output: on standard error, so that what is piped stays clean. */
export function say(text: string): void {
  clearStatus();
  writeAll(2, Buffer.from(`${text}\n`));
  redrawStatus();
}

let statusText = "";
let statusDrawn = false;

/** Whether there is a terminal on which a line can be drawn over. */
export const showsStatus = (): boolean => isatty(2) && process.env["TERM"] !== "dumb";

/**
 * The last line of the terminal while something takes its time; "" takes it away. Anything printed goes above it. Nothing happens where
 * standard error is no terminal.
 */
export function status(text: string): void {
  if (!showsStatus()) return;
  clearStatus();
  statusText = text;
  redrawStatus();
}

function clearStatus(): void {
  if (!statusDrawn) return;
  statusDrawn = false;
  writeAll(2, Buffer.from("\r\u001b[K"));
}

function redrawStatus(): void {
  if (statusText === "") return;
  statusDrawn = true;
  const text = cutTo(statusText, terminalSize(2).columns - 1);
  writeAll(2, Buffer.from(paintError("dim", text)));
}

/** Columns and rows of the terminal at a descriptor; without bound where there is none, or it does not tell. $COLUMNS and $LINES win. */
export function terminalSize(descriptor: 1 | 2 = 1): { columns: number; rows: number } {
  const stream: { columns?: number; rows?: number } = !isatty(descriptor)
    ? {}
    : descriptor === 1
      ? process.stdout
      : process.stderr;
  const { COLUMNS: columns, LINES: rows } = process.env;
  return {
    columns: Number(columns) || stream.columns || Infinity,
    rows: Number(rows) || stream.rows || Infinity,
  };
}

/** Calls back when the terminal has another size. */
export const onResize = (changed: () => void): void => void process.stdout.on("resize", changed);

const CODES = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  cyan: "36",
  alarm: "1;31",
} as const;

export type Colour = keyof typeof CODES;

const painted = (colour: Colour, text: string): string =>
  `\u001b[${CODES[colour]}m${text}\u001b[0m`;

/** Colours a text for standard output, where a person reads it and NO_COLOR is not set. */
export const paint = (colour: Colour, text: string): string =>
  colours(1) ? painted(colour, text) : text;

/** The same for standard error. */
export const paintError = (colour: Colour, text: string): string =>
  colours(2) ? painted(colour, text) : text;
