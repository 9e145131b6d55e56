import { statSync, type Stats } from "node:fs";
import { ensureDirectory } from "../base/directories.ts";
import { AppError, messageOf } from "../base/errors.ts";

/** Write permission for group and others. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes sure that the state directory exists and that only we can write to it.
 *
 * Others may look into it (the default holds the logs too, which people `tail`); the files with secrets have mode 0600.
 * A directory that others can write to could be filled with a database of theirs.
 *
 * @throws AppError `storage_foreign` with the command that mends it; `storage_failed` where it cannot be made
 */
export function ensureStateDirectory(directory: string, mode = 0o700): void {
  makeDirectory(directory, mode);
  const stats = statSync(directory);
  if (!stats.isDirectory())
    throw new AppError(
      "storage_failed",
      `the state directory ${directory} is not a directory: name another one`,
    );
  checkOwner(directory, stats);
  if (stats.mode & WRITABLE_BY_OTHERS)
    throw new AppError(
      "storage_foreign",
      `the state directory ${directory} can be written by other users: chmod go-w ${quoted(directory)}`,
    );
}

/**
 * Refuses a file or directory of another user.
 *
 * @throws AppError `storage_foreign`
 */
export function checkOwner(path: string, stats: Stats): void {
  const us = process.getuid?.() ?? stats.uid;
  if (stats.uid === us) return;
  throw new AppError(
    "storage_foreign",
    `${path} belongs to user ${stats.uid} and we are user ${us}: ` +
      `run as user ${stats.uid}, name another state directory, or chown -R ${us} ${quoted(path)}`,
  );
}

function makeDirectory(directory: string, mode: number): void {
  try {
    ensureDirectory(directory, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return; // a file: told apart by the caller
    throw new AppError(
      "storage_failed",
      `the state directory ${directory} cannot be made (${messageOf(error)}): make it, or name another one`,
      { cause: error },
    );
  }
}

/** A path as a shell takes it. */
export const quoted = (path: string): string =>
  /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
