import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";

/*
 * Positions. A service's log is one endless run of bytes; a position counts them from the first byte ever
 * written to it. Rotation does not change positions: the file that is set aside is named after the position
 * of its first byte (`web.log.000000010485760`), and the position where `web.log` itself begins stands in the
 * small file `.web.position`, with how the file it speaks of begins, so that it is known again after a copy
 * or a restore too. Where that file is missing or speaks of another, `web.log` begins where the newest
 * rotated file ends. Positions only grow: where bytes were removed behind our back, a hole is left instead
 * of giving their numbers out again. (A power cut may take the last seconds of a log; the positions of those are used again.)
 */

const SERVICE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
const DIGITS = 15;
const HEAD_BYTES = 64;
const ROTATED = /^(.+\.log)\.(\d{15})$/;

/** One file of a service's log; `base` is the position of its first byte. */
export interface Segment {
  path: string;
  base: number;
  size: number;
  identity: string;
}

/** What the position file says: where the current file begins, and which file that is. */
interface Mark {
  base: number;
  identity: string;
  /** Its first bytes; empty while it had none. */
  head: string;
}

/**
 * Path of the file a service's lines go to.
 * @throws AppError `invalid_request` for a name that is none: it could lead out of the directory
 */
export function currentFile(logDir: string, service: string): string {
  if (SERVICE.test(service)) return join(logDir, `${service}.log`);
  throw new AppError("invalid_request", `"${service}" is no name of a service, so it has no log`);
}

/** Path of the file that a log is renamed to when it is full. */
export const rotatedFile = (current: string, base: number): string =>
  `${current}.${String(base).padStart(DIGITS, "0")}`;

const markFile = (logDir: string, service: string): string => join(logDir, `.${service}.position`);

/** Tells a file from any other, also from a later one that got the same inode number (where the file system keeps birth times). */
export const identityOf = (stats: Stats): string =>
  `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`;

/** The first bytes of a file: enough for the time and tag of its first line, and some of its text. */
export function headOf(fd: number): string {
  const head = Buffer.alloc(HEAD_BYTES);
  return head.toString("latin1", 0, readSync(fd, head, 0, HEAD_BYTES, 0));
}

function headAt(path: string): string {
  const fd = openSync(path, "r");
  try {
    return headOf(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads the position file; undefined where there is none that can be understood (a power cut may leave an empty one). */
export function readMark(logDir: string, service: string): Mark | undefined {
  try {
    const mark: unknown = JSON.parse(readFileSync(markFile(logDir, service), "utf8"));
    return isMark(mark) ? mark : undefined;
  } catch {
    return undefined; // absent or torn: the rotated files tell the base as well
  }
}

const isMark = (value: unknown): value is Mark =>
  typeof value === "object" &&
  value !== null &&
  "base" in value &&
  Number.isSafeInteger(value.base) &&
  "identity" in value &&
  typeof value.identity === "string" &&
  "head" in value &&
  typeof value.head === "string";

/** Writes the position file, whole or not at all. Throws what the file system throws. */
export function writeMark(logDir: string, service: string, mark: Mark, fileMode: number): void {
  const path = markFile(logDir, service);
  const draft = `${path}.new`;
  try {
    writeFileSync(draft, JSON.stringify(mark), { mode: fileMode });
    renameSync(draft, path);
  } catch (error) {
    removeIfThere(draft); // a full disk leaves an empty one
    throw error;
  }
}

function removeIfThere(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })) unlinkSync(path);
}

/** The files of a service's log that were set aside, oldest first. */
export function rotatedSegments(logDir: string, service: string): Segment[] {
  const name = `${service}.log`;
  if (!statSync(logDir, { throwIfNoEntry: false })) return [];
  return readdirSync(logDir)
    .map((entry) => ROTATED.exec(entry))
    .filter((match) => match?.[1] === name)
    .flatMap((match) => segmentAt(join(logDir, match?.[0] ?? ""), Number(match?.[2])))
    .toSorted((a, b) => a.base - b.base);
}

function segmentAt(path: string, base: number): Segment[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? [segment(path, base, stats)] : [];
}

/** For a file that rotation set aside: the name it had before. */
export const nameBeforeRotation = (entry: string): string | undefined => ROTATED.exec(entry)?.[1];

/** Whether a position file speaks of the file that is at this path now. */
export function speaksOf(mark: Mark, path: string, stats: Stats): boolean {
  if (mark.head === "") return mark.identity === identityOf(stats);
  return headAt(path).startsWith(mark.head);
}

/** The position after the last byte of these files. */
export function endOf(segments: readonly Segment[]): number {
  const last = segments.at(-1);
  return last === undefined ? 0 : last.base + last.size;
}

/** All files of a service's log, oldest first; looked at again where a rotation came between. */
export function segmentsOf(logDir: string, service: string): Segment[] {
  const path = currentFile(logDir, service);
  for (let attempt = 0; ; attempt++) {
    const before = statSync(path, { throwIfNoEntry: false });
    const mark = readMark(logDir, service);
    const rotated = rotatedSegments(logDir, service);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile()) return rotated;
    if (attempt < 5 && (before === undefined || identityOf(before) !== identityOf(stats))) continue;
    const base = mark && speaksOf(mark, path, stats) ? mark.base : endOf(rotated);
    return [...rotated, segment(path, base, stats)];
  }
}

const segment = (path: string, base: number, stats: Stats): Segment => ({
  path,
  base,
  size: stats.size,
  identity: identityOf(stats),
});
