import { closeSync, fstatSync, renameSync } from "node:fs";
import { append, closeGap } from "./append.ts";
import { lookAt, mustBeRegular, reasonOf } from "./directory.ts";
import { attach, beginGap, type LogFile, position } from "./log-file.ts";
import { removeOldest } from "./prune.ts";
import { look } from "./replaced.ts";
import { rotatedFile } from "./segments.ts";

/**
 * Appends whole lines, into a new file where they would make the current one too large. Never throws.
 * @returns bytes that were not written
 */
export function appendRotating(log: LogFile, bytes: Buffer, lines: number): number {
  if (!log.gap && isFull(log, bytes.length)) tryRotate(log, bytes.length);
  return append(log, bytes, lines);
}

/**
 * What a log needs every second while lines come: is it still at its path, can a gap be closed?
 * @returns the gap record, if one was written
 */
export function tend(log: LogFile): Buffer | undefined {
  try {
    look(log);
  } catch (error) {
    const message = `${log.path} could not be looked at: ${reasonOf(error)}`;
    log.report({ service: log.service, kind: "trouble", message });
  }
  if (log.gap && isFull(log, 0) && !tryRotate(log, 0)) return undefined;
  return closeGap(log);
}

const isFull = (log: LogFile, more: number): boolean =>
  log.size > 0 && log.size + more > log.place.rotateBytes;

/** A file that cannot be set aside must not grow for ever: lines are counted instead, until it can. */
function tryRotate(log: LogFile, more: number): boolean {
  try {
    rotate(log, more);
    return true;
  } catch (error) {
    if (log.gap) log.gap.reason = reasonOf(error);
    else beginGap(log, error);
    return false;
  }
}

/** Sets the file aside under the position of its first byte, and begins a new one. */
function rotate(log: LogFile, more: number): void {
  look(log);
  if (log.fd === undefined || !isFull(log, more)) return;
  mustBeAtItsPath(log, log.fd);
  renameSync(log.path, rotatedFile(log.path, log.base));
  closeSync(log.fd);
  log.base = log.checked = position(log);
  log.size = 0;
  log.fd = undefined;
  attach(log, log.base);
  removeOldest(log.place, log.service, log.report);
}

/** Renames nobody else's file: `look` could not take the path back. */
function mustBeAtItsPath(log: LogFile, fd: number): void {
  const there = lookAt(log.path);
  if (there) mustBeRegular(there, log.path);
  if (there?.ino !== fstatSync(fd).ino) throw new Error(`${log.path} was taken away`);
}
