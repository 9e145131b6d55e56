import { bind, checked } from "./libc.ts";

/** Source: fcntl.h on Linux. */
const O_CLOEXEC = 0o2000000;

const pipe2 = bind<(ends: Buffer, flags: number) => number>("int pipe2(void *ends, int flags)");

/**
 * Makes a pipe without a name. Neither end is inherited unless a spawn hands it on. Source: pipe2(2).
 * @throws SystemError EMFILE, ENFILE
 */
export function openPipeEnds(): { read: number; write: number } {
  const ends = Buffer.alloc(8);
  checked("pipe2", pipe2(ends, O_CLOEXEC));
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}
