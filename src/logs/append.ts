import { fstatSync, ftruncateSync, writeSync } from "node:fs";
import { reasonOf } from "./directory.ts";
import { lostText, ownLine } from "./line.ts";
import { attach, beginGap, endTornLine, type Gap, type LogFile, position } from "./log-file.ts";

const NEWLINE = 10;

/**
 * Appends whole lines in one write. Never throws and never waits for room: what cannot be written is counted.
 * @returns bytes that were not written
 */
export function append(log: LogFile, bytes: Buffer, lines: number): number {
  if (log.gap) return shed(log.gap, lines, bytes.length);
  const { written, error } = writeWhole(log, bytes);
  if (error === undefined) return 0;
  const rest = bytes.subarray(written);
  return shed(beginGap(log, error), countLines(rest), rest.length);
}

function shed(gap: Gap, lines: number, bytes: number): number {
  gap.lines += lines;
  gap.bytes += bytes;
  return bytes;
}

/** Writes as many whole lines as there is room for, and takes back the line that was torn. */
function writeWhole(log: LogFile, bytes: Buffer): { written: number; error?: unknown } {
  let written = 0;
  try {
    const fd = opened(log);
    while (written < bytes.length) written += writeSync(fd, bytes, written);
    log.size += written;
    return { written };
  } catch (error) {
    const whole = bytes.subarray(0, written).lastIndexOf(NEWLINE) + 1;
    log.size += takeBack(log, written - whole) ? whole : written;
    return { written: whole, error };
  }
}

function opened(log: LogFile): number {
  if (log.fd === undefined) attach(log, position(log));
  if (log.fd === undefined) throw new Error(`${log.path} is not open`);
  return log.fd;
}

/** False: the torn line stays, and `closeGap` ends it. */
function takeBack({ fd }: LogFile, bytes: number): boolean {
  if (fd === undefined || bytes === 0) return true;
  try {
    ftruncateSync(fd, fstatSync(fd).size - bytes);
    return true;
  } catch {
    return false; // the disk that could not take the line cannot give it back either
  }
}

/**
 * Tries to write the record of what is missing; if that works, lines are written again.
 * @returns the record, where there was something to record and it was written
 */
export function closeGap(log: LogFile): Buffer | undefined {
  if (!log.gap) return undefined;
  const { lines, bytes, reason } = log.gap;
  const record = ownLine(lostText(lines, bytes, reason), Date.now());
  try {
    endTornLine(log);
    const { error } = writeWhole(log, lines === 0 ? record.subarray(0, 0) : record);
    if (error !== undefined) throw error;
  } catch (error) {
    log.gap.reason = reasonOf(error);
    return undefined;
  }
  log.gap = undefined;
  const message = `lines of service ${log.service} are kept again, ${lines} were lost: ${reason}`;
  log.report({ service: log.service, kind: "gap_ended", message });
  return lines === 0 ? undefined : record;
}

/** Newlines in a piece of a log. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
