import { closeSync, fstatSync, readSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { append, countLines } from "./append.ts";
import { lookAt } from "./directory.ts";
import { attach, type LogFile, position, remember } from "./log-file.ts";

const NEWLINE = 10;
const PIECE_BYTES = 1 << 20;

/** The file that was open until now, and how far it is known to have stood at our path. */
interface OldFile {
  fd: number;
  base: number;
  size: number;
  checked: number;
}

/**
 * Looks whether the open file is still the one at our path, and opens what is there now if not.
 *
 * Lines that went into a removed file since the last look are taken out of it and written again, so none is
 * missing; a file that was only renamed keeps them. Where the path cannot be opened (a directory stands
 * there), the old file is kept and asked about again.
 */
export function look(log: LogFile): void {
  if (log.fd === undefined) return;
  const ours = fstatSync(log.fd);
  const there = lookAt(log.path);
  if (there && there.ino === ours.ino && there.dev === ours.dev) return settle(log, ours.size);
  const old = { fd: log.fd, base: log.base, size: log.size, checked: log.checked };
  if (!reopened(log, old, ours.nlink === 0)) return;
  if (ours.nlink === 0) writeAgain(log, old);
  closeSync(old.fd);
}

/** Somebody cut the file short (`> web.log`): what is left is the newest. Or appended to it: positions move on. */
function settle(log: LogFile, size: number): void {
  const cut = size < log.size;
  if (cut) log.base += log.size - size;
  log.size = size;
  log.checked = position(log);
  if (cut || (!log.marked && size > 0)) remember(log);
}

function reopened(log: LogFile, old: OldFile, removed: boolean): boolean {
  const next = position(log);
  const empty = (lookAt(log.path)?.size ?? 0) === 0;
  try {
    attach(log, removed && empty ? old.checked : next);
  } catch (error) {
    const message = `${log.path} was taken away and cannot be made again: ${messageOf(error)}`;
    log.report({ service: log.service, kind: "trouble", message });
    return false;
  }
  const message = `${log.path} was ${removed ? "removed" : "renamed"}; a new one was begun`;
  log.report({ service: log.service, kind: "reopened", message });
  return true;
}

/** Copies what was written since the last look, whole lines at a time. */
function writeAgain(log: LogFile, old: OldFile): void {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let at = old.checked - old.base;
  while (at < old.size) {
    const length = readSync(old.fd, piece, 0, PIECE_BYTES, at);
    const whole = piece.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    if (whole === 0) return;
    const lines = piece.subarray(0, whole);
    append(log, lines, countLines(lines));
    at += whole;
  }
}
