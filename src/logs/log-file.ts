import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { AppError } from "../base/errors.ts";
import {
  failedWith,
  lookAt,
  mustBeRegular,
  mustLeadSomewhere,
  prepareLogDirectory,
  reasonOf,
  unusable,
} from "./directory.ts";
import {
  currentFile,
  endOf,
  headOf,
  identityOf,
  readMark,
  rotatedSegments,
  speaksOf,
  writeMark,
} from "./segments.ts";

const NEWLINE = 10;
/** More than a batch adds to a full file: how far positions jump where a file of unknown size is gone. */
const BATCH_ROOM_BYTES = 16 << 20;

/** Where logs go and how large they may get. */
export interface LogPlace {
  readonly logDir: string;
  readonly fileMode: number;
  readonly dirMode: number;
  /** Files that were set aside, kept for each service. */
  readonly keep: number;
  /** Size at which a file is set aside; less than configured while very many logs share `totalBytes`. */
  rotateBytes: number;
}

/** What happened to a service's log that somebody should know of. */
export interface LogIncident {
  service: string;
  kind: "gap_began" | "gap_ended" | "reopened" | "trouble";
  message: string;
}

export type ReportIncident = (incident: LogIncident) => void;

/** Lines that could not be written so far, and why. */
export interface Gap {
  lines: number;
  bytes: number;
  reason: string;
}

/** The open log of one service. Only this process appends to it. */
export interface LogFile {
  readonly service: string;
  readonly path: string;
  readonly place: LogPlace;
  readonly report: ReportIncident;
  /** undefined: it could not be opened so far (full disk). */
  fd: number | undefined;
  /** Position of the file's first byte. */
  base: number;
  size: number;
  /** Up to here the bytes are known to stand in the file that has our path. */
  checked: number;
  /** Whether the position file knows how this file begins. */
  marked: boolean;
  /** Set: nothing is written until the record of what is missing was. */
  gap: Gap | undefined;
}

/** Where the next byte goes, counted from the first ever written. */
export const position = (log: LogFile): number => log.base + log.size;

/**
 * Opens a service's log, or begins it. On a full disk it is opened later, and what comes until then is counted.
 * @throws AppError `log_directory_unusable` when it is no regular file or may not be written
 */
export function openLog(place: LogPlace, service: string, report: ReportIncident): LogFile {
  const path = currentFile(place.logDir, service);
  const nothing = { fd: undefined, base: 0, size: 0, checked: 0, marked: false, gap: undefined };
  const log: LogFile = { service, path, place, report, ...nothing };
  try {
    log.base = log.checked = startOf(log);
    attach(log, log.base);
  } catch (error) {
    if (!isFull(error)) throw refusal(path, error);
    beginGap(log, error);
  }
  return log;
}

const isFull = (error: unknown): boolean => failedWith(error, "ENOSPC", "EDQUOT");

const refusal = (path: string, error: unknown): AppError =>
  error instanceof AppError
    ? error
    : unusable(`the log ${path} cannot be written: ${reasonOf(error)}`, path, error);

/** Where the file with our path begins, or a new one would. */
function startOf({ path, place, service }: LogFile): number {
  const mark = readMark(place.logDir, service);
  const known = endOf(rotatedSegments(place.logDir, service));
  const stats = lookAt(path);
  if (mark === undefined) return known;
  if (stats?.isFile() && speaksOf(mark, path, stats)) return mark.base;
  return mark.base < known ? known : mark.base + place.rotateBytes + BATCH_ROOM_BYTES;
}

/**
 * Takes the file that has our path, or makes it, as the log from position `base` on.
 * Changes nothing where it throws.
 */
export function attach(log: LogFile, base: number): void {
  log.fd = openRegular(log);
  log.size = fstatSync(log.fd).size;
  log.base = base;
  remember(log);
  endTornLine(log);
  log.checked = position(log);
}

function openRegular(log: LogFile): number {
  const before = lookAt(log.path);
  if (before) mustBeRegular(before, log.path); // to open some devices does something already
  else mustLeadSomewhere(log.path);
  const fd = openOrMake(log);
  try {
    mustBeRegular(fstatSync(fd), log.path);
    if (!before) fchmodSync(fd, log.place.fileMode); // open takes the umask off
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** O_RDWR, so that lines which went into a file that was removed can be read back from it. */
function openOrMake({ path, place }: LogFile): number {
  const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
  const flags = O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;
  try {
    return openSync(path, flags, place.fileMode);
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
    prepareLogDirectory(place.logDir, place.dirMode); // somebody removed it
    return openSync(path, flags, place.fileMode);
  }
}

/** Our last write may have been torn, by a SIGKILL, a power cut or a full disk: what comes next begins on a line of its own. */
export function endTornLine(log: LogFile): void {
  if (log.fd === undefined || log.size === 0) return;
  const last = Buffer.alloc(1);
  if (readSync(log.fd, last, 0, 1, log.size - 1) === 0 || last[0] === NEWLINE) return;
  log.size += writeSync(log.fd, "\n");
}

/** Notes where the current file begins. A disk too full for that is no reason to stop: the rotated files tell it too. */
export function remember(log: LogFile): void {
  if (log.fd === undefined) return;
  log.marked = false;
  const head = headOf(log.fd);
  const mark = { base: log.base, identity: identityOf(fstatSync(log.fd)), head };
  try {
    writeMark(log.place.logDir, log.service, mark, log.place.fileMode);
    log.marked = head !== "";
  } catch (error) {
    const message = `where ${log.path} begins could not be noted beside it: ${reasonOf(error)}`;
    log.report({ service: log.service, kind: "trouble", message });
  }
}

/** From here on lines are counted instead of written. */
export function beginGap(log: LogFile, error: unknown): Gap {
  log.gap = { lines: 0, bytes: 0, reason: reasonOf(error) };
  const message = `lines of service ${log.service} are not kept: ${log.path}: ${log.gap.reason}`;
  log.report({ service: log.service, kind: "gap_began", message });
  return log.gap;
}
