import { closeSync } from "node:fs";
import { bind, checked, SystemError } from "./libc.ts";

/** The same numbers on every architecture. Source: asm-generic/unistd.h. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const open = bind<(number: number, pid: number, flags: number) => number>(
  "long syscall(long number, int pid, unsigned int flags)",
);
const send = bind<
  (number: number, fd: number, signal: number, info: null, flags: number) => number
>("long syscall(long number, int fd, int signal, void *info, unsigned int flags)");

/**
 * Signals a process that is no child of ours, if it is still the one that is meant.
 *
 * The descriptor is taken first and stays with whatever process has the pid at that moment; only then `isMeant` looks at the pid, so a pid that was given to
 * somebody else before is seen, and one that is given away later is not reached. Source: pidfd_open(2), pidfd_send_signal(2) (Linux 5.3).
 *
 * @param isMeant whether the process of that pid is the one; asked once
 * @returns whether it was sent: false where the process is gone or another
 * @throws SystemError EPERM where we may not signal it, ENOSYS on a kernel without pidfds
 */
export async function signalVerified(
  pid: number,
  signal: number,
  isMeant: () => boolean | Promise<boolean>,
): Promise<boolean> {
  if (pid <= 1 || pid === process.pid) return false;
  const fd = ifAlive(() => checked("pidfd_open", open(SYS_PIDFD_OPEN, pid, 0)));
  if (fd === undefined) return false;
  try {
    if (!(await isMeant())) return false;
    const sent = () =>
      checked("pidfd_send_signal", send(SYS_PIDFD_SEND_SIGNAL, fd, signal, null, 0));
    return ifAlive(sent) !== undefined;
  } finally {
    closeSync(fd);
  }
}

/** What a call answers, or undefined where it found no such process. */
function ifAlive(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemError && error.code === "ESRCH") return undefined;
    throw error;
  }
}
