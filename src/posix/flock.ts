import { getSystemErrorName } from "node:util";
import koffi from "koffi";

/** Source: flock(2); the same numbers on Linux and macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Of this process: whichever C library Node was linked with. */
const flock = koffi.load(null).func("int flock(int fd, int operation)");

/**
 * Takes the exclusive lock of an open file, if nobody else has it. Source: flock(2).
 *
 * The lock belongs to the open file, not to the process: a forked child shares it until it closes its copy of the descriptor, at the latest in its
 * exec when that is close-on-exec, as all of Node's are. It ends with the last copy.
 *
 * @returns false where another open file has the lock
 * @throws Error with `code` and `errno`, as Node's own
 */
export function tryLock(fd: number): boolean {
  while (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const errno = koffi.errno();
    if (errno === koffi.os.errno["EWOULDBLOCK"] || errno === koffi.os.errno["EAGAIN"]) return false;
    if (errno !== koffi.os.errno["EINTR"]) throw systemError("flock", errno);
  }
  return true;
}

function systemError(syscall: string, errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${syscall}: ${code}`), { code, errno: -errno, syscall });
}
