import { constants } from "node:os";
import { bind, checked, SystemError } from "./libc.ts";

/** Source: flock(2); the same numbers on Linux and macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = bind<(fd: number, operation: number) => number>("int flock(int fd, int operation)");

/**
 * Takes the exclusive lock of an open file, if nobody else has it. Source: flock(2).
 *
 * The lock belongs to the open file, not to the process: a forked child shares it until it closes its copy of the descriptor, at the latest in its
 * exec when that is close-on-exec, as all of Node's are. It ends with the last copy.
 *
 * @returns false where another open file has the lock
 * @throws SystemError
 */
export function tryLock(fd: number): boolean {
  try {
    checked("flock", flock(fd, LOCK_EX | LOCK_NB));
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === constants.errno.EWOULDBLOCK) return false;
    throw error;
  }
}
