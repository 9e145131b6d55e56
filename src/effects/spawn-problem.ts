import type { SpawnError } from "../../machines/service-events.ts";
import { AppError, messageOf } from "../base/errors.ts";
import { errnoText } from "../posix/libc.ts";

/** Why a service has no process: in words for a person, with the errno that the kernel gave or would give. */
export class SpawnProblem extends Error {
  readonly spawnError: SpawnError;

  constructor(spawnError: SpawnError) {
    super(spawnError.message);
    this.name = "SpawnProblem";
    this.spawnError = spawnError;
  }
}

/**
 * A problem that has an errno.
 *
 * @param what what is wrong, without the errno's own text, which is added
 * @param hint what to do about it
 */
export const problem = (errno: string, what: string, hint?: string): SpawnProblem =>
  new SpawnProblem({
    errno,
    message: `${what}: ${errnoText(errno)}${hint === undefined ? "" : `; ${hint}`}`,
  });

/** The errno of whatever was thrown, EIO where it has none. */
export const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "EIO";

/** Anything that kept a process from being spawned, as it is reported. */
export function spawnErrorOf(error: unknown): SpawnError {
  if (error instanceof SpawnProblem) return error.spawnError;
  const cause = error instanceof AppError ? error.cause : error;
  return { errno: codeOf(cause), message: messageOf(error) };
}
