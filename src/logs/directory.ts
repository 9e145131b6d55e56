import { accessSync, chmodSync, constants, lstatSync, type Stats, statSync } from "node:fs";
import { getSystemErrorMessage } from "node:util";
import { ensureDirectory } from "../base/directories.ts";
import { AppError, messageOf } from "../base/errors.ts";

/**
 * Makes the directory of service logs where there is none, and checks that files can be made in it.
 *
 * @param mode permissions of a directory that is made; one that is there keeps its own
 * @throws AppError `log_directory_unusable`
 */
export function prepareLogDirectory(logDir: string, mode: number): void {
  try {
    if (ensureDirectory(logDir, mode)) chmodSync(logDir, mode); // mkdir takes the umask off
    accessSync(logDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(
      `service logs cannot be written to ${logDir}: ${reasonOf(error)}`,
      logDir,
      error,
    );
  }
}

/** The AppError for a path that logs cannot go to: what is wrong, and what a person can do. */
export const unusable = (problem: string, path: string, cause?: unknown): AppError =>
  new AppError(
    "log_directory_unusable",
    `${problem}; make it writable for user id ${process.getuid?.() ?? "?"}, or choose another directory with --log-dir`,
    { cause, details: { path } },
  );

/**
 * Refuses whatever is no regular file, also behind a symbolic link: lines written into a pipe or a device would be gone, or worse.
 * @throws AppError `log_directory_unusable`
 */
export function mustBeRegular(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  const message = `${path} is ${kindOf(stats)}, and a service's log must be a regular file; move it away`;
  throw new AppError("log_directory_unusable", message, { details: { path } });
}

/**
 * Refuses a symbolic link whose target is not there: opening it would make a file wherever it points.
 * @throws AppError `log_directory_unusable`
 */
export function mustLeadSomewhere(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const message = `${path} is a symbolic link to a file that does not exist; make that file, or remove the link`;
  throw new AppError("log_directory_unusable", message, { details: { path } });
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

/** Follows links; undefined where nothing is there. */
export const lookAt = (path: string): Stats | undefined =>
  statSync(path, { throwIfNoEntry: false });

/** The kernel's words for a failed call ("No space left on device"), or the message of anything else. */
export function reasonOf(error: unknown): string {
  const number = errnoOf(error);
  if (number === undefined) return messageOf(error);
  const text = getSystemErrorMessage(number) ?? messageOf(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const errnoOf = (error: unknown): number | undefined =>
  error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? error.errno
    : undefined;

/** Whether a call failed with one of these codes. */
export const failedWith = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  codes.includes(error.code);
