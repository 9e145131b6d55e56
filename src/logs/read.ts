import { closeSync, openSync, readSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { MAX_LINE_BYTES, parseLines } from "./line.ts";
import type { LogLine } from "./ports.ts";
import { endOf, identityOf, type Segment, segmentsOf } from "./segments.ts";

/*
 * Reads what is in the files of a service's log. Needs no daemon and takes no lock: the files are only ever
 * appended to and renamed. Positions are explained in segments.ts.
 */

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

/** The position after the last byte in a service's log; 0 where it has none. */
export const endPosition = (logDir: string, service: string): number =>
  endOf(segmentsOf(logDir, service));

/** When the last line of a service's log was written, in milliseconds of the wall clock; undefined where there is none. */
export function lastLineTime(logDir: string, service: string): number | undefined {
  const segment = segmentsOf(logDir, service).findLast(({ size }) => size > 0);
  if (segment === undefined) return undefined;
  const fd = openSync(segment.path, "r");
  try {
    const tail = Buffer.alloc(Math.min(segment.size, MAX_LINE_BYTES + 1024));
    readSync(fd, tail, 0, tail.length, segment.size - tail.length);
    return parseLines(tail).at(-1)?.time || undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * The last `count` lines of a service's log, oldest first, over rotated files. Reads from the end, in
 * pieces, so that it costs what the lines weigh.
 *
 * @param before position to count back from; absent: the end
 */
export async function tailLines(
  logDir: string,
  service: string,
  count: number,
  before = Number.MAX_SAFE_INTEGER,
): Promise<LogLine[]> {
  const from = await tailPosition(logDir, service, count, before);
  return linesBetween(logDir, service, from, before);
}

/** All lines of a range, in memory at once: for ranges that are known to be small. */
export async function linesBetween(
  logDir: string,
  service: string,
  from: number,
  to: number,
): Promise<LogLine[]> {
  const batches: LogLine[][] = [];
  for await (const batch of readRange(logDir, service, from, to)) batches.push(batch);
  return batches.flat();
}

/**
 * Lines that begin at or after `from` and before `to`, a batch for each quarter of a megabyte. What rotation
 * has removed meanwhile is left out. A range that begins inside a line begins with the next one.
 */
export async function* readRange(
  logDir: string,
  service: string,
  from: number,
  to: number,
): AsyncGenerator<LogLine[]> {
  const files = await openSegments(logDir, service, from, to);
  try {
    for (const file of files) yield* linesOf(file, from - file.base, to - file.base);
  } finally {
    await Promise.all(files.map((file) => file.handle.close()));
  }
}

/** Where the last `count` lines before a position begin. */
export async function tailPosition(
  logDir: string,
  service: string,
  count: number,
  before = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  const files = await openSegments(logDir, service, 0, before);
  try {
    return await countBack(files, count, before);
  } finally {
    await Promise.all(files.map((file) => file.handle.close()));
  }
}

interface OpenSegment extends Segment {
  handle: FileHandle;
}

/** Opens every file of a range before one is read, so that no rotation can take one away in between. */
async function openSegments(
  logDir: string,
  service: string,
  from: number,
  to: number,
): Promise<OpenSegment[]> {
  for (let attempt = 0; ; attempt++) {
    const wanted = segmentsOf(logDir, service).filter((s) => s.base < to && s.base + s.size > from);
    const files: OpenSegment[] = [];
    for (const segment of wanted) {
      const file = await openSegment(segment);
      if (file) files.push(file);
    }
    if (files.length === wanted.length || attempt === 5) return files;
    await Promise.all(files.map((file) => file.handle.close())); // one was renamed meanwhile
  }
}

async function openSegment(segment: Segment): Promise<OpenSegment | undefined> {
  const handle = await open(segment.path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  if (identityOf(await handle.stat()) === segment.identity) return { ...segment, handle };
  await handle.close();
  return undefined;
}

/** Lines of one file that begin in [from, to), as offsets in it. A last line without newline is one too. */
async function* linesOf(file: OpenSegment, from: number, to: number): AsyncGenerator<LogLine[]> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = await lineStart(file, Math.max(0, from));
  let rest: Buffer = Buffer.alloc(0);
  const end = Math.min(file.size, to);
  while (at < file.size && at - rest.length < end) {
    const { bytesRead } = await file.handle.read(
      buffer,
      0,
      Math.min(CHUNK_BYTES, file.size - at),
      at,
    );
    if (bytesRead === 0) break; // cut short meanwhile
    const start = at - rest.length;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    at += bytesRead;
    const whole = wholeLines(bytes, end - start, at >= file.size);
    rest = bytes.subarray(whole);
    if (whole > 0) yield parseLines(bytes.subarray(0, whole));
    if (start + whole >= end) return;
  }
}

/** How many bytes are whole lines, of those that begin before `limit`. `last`: nothing follows, so the rest is a line. */
function wholeLines(bytes: Buffer, limit: number, last: boolean): number {
  if (limit >= bytes.length) return last ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
  const begun = bytes.indexOf(NEWLINE, limit - 1);
  if (begun !== -1) return begun + 1;
  return last ? bytes.length : bytes.lastIndexOf(NEWLINE, limit - 1) + 1;
}

/** The first line start at or after an offset. */
async function lineStart(file: OpenSegment, offset: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let at = offset - 1; at >= 0 && at < file.size; at += buffer.length) {
    const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, at);
    const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    if (newline !== -1) return at + newline + 1;
    if (bytesRead === 0) break;
  }
  return offset <= 0 ? 0 : file.size;
}

async function countBack(files: OpenSegment[], count: number, before: number): Promise<number> {
  let left = count;
  if (left <= 0) return before;
  for (const file of files.toReversed()) {
    const starts = await lastLineStarts(file, Math.min(file.size, before - file.base), left);
    left -= starts.length;
    if (left === 0) return file.base + (starts.at(-1) ?? 0);
  }
  return files[0]?.base ?? 0;
}

/** Offsets at which the last lines before `end` begin, the last first, `most` of them at most. */
async function lastLineStarts(file: OpenSegment, end: number, most: number): Promise<number[]> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const starts: number[] = [];
  let to = end - 1; // the newline that ends the last line begins none
  while (to > 0 && starts.length < most) {
    const from = Math.max(0, to - CHUNK_BYTES);
    await file.handle.read(buffer, 0, to - from, from);
    const bytes = buffer.subarray(0, to - from);
    for (let at = bytes.length; at > 0 && starts.length < most;) {
      at = bytes.lastIndexOf(NEWLINE, at - 1);
      if (at !== -1) starts.push(from + at + 1);
    }
    to = from;
  }
  if (end > 0 && starts.length < most) starts.push(0);
  return starts;
}
