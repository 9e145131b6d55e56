import { bind, checked } from "./libc.ts";

/** Source: linux/prctl.h. */
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
/** Source: linux/time.h. */
const CLOCK_BOOTTIME = 7;
/** Source: asm-generic/resource.h; the same on amd64 and arm64. */
const RLIMIT_NOFILE = 7;
/** Source: asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

const prctl = bind<(option: number, a: number, b: number, c: number, d: number) => number>(
  "int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
);
const prctlInto = bind<(option: number, a: Buffer, b: number, c: number, d: number) => number>(
  "int prctl(int option, void *a, unsigned long b, unsigned long c, unsigned long d)",
);
const clock_gettime = bind<(clock: number, timespec: Buffer) => number>(
  "int clock_gettime(int clock, void *timespec)",
);
const getrlimit = bind<(resource: number, limit: Buffer) => number>(
  "int getrlimit(int resource, void *limit)",
);
const setrlimit = bind<(resource: number, limit: Buffer) => number>(
  "int setrlimit(int resource, void *limit)",
);
const getsockopt = bind<
  (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number
>("int getsockopt(int fd, int level, int option, void *value, void *length)");
const getpagesize = bind<() => number>("int getpagesize(void)");
const kill = bind<(pid: number, signal: number) => number>("int kill(int pid, int signal)");
const exit = bind<(status: number) => void>("void _exit(int status)");

/**
 * Makes orphans below this process its children, at whatever depth, instead of process 1's. Source: prctl(2), PR_SET_CHILD_SUBREAPER (Linux 3.4).
 * @throws SystemError EINVAL where the kernel knows no such thing
 */
export function setChildSubreaper(): void {
  checked("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

/** Whether orphans below this process come to it: as process 1, or since it asked. Source: prctl(2), PR_GET_CHILD_SUBREAPER. */
export function isChildSubreaper(): boolean {
  if (process.pid === 1) return true;
  const answer = Buffer.alloc(4);
  const asked = prctlInto(PR_GET_CHILD_SUBREAPER, answer, 0, 0, 0);
  return asked === 0 && answer.readInt32LE(0) === 1;
}

const timespec = Buffer.alloc(16);

/** Milliseconds since the kernel's boot, with a fraction; time asleep counts. Source: clock_gettime(2), CLOCK_BOOTTIME; `struct timespec` is two longs. */
export function boottimeMs(): number {
  checked("clock_gettime", clock_gettime(CLOCK_BOOTTIME, timespec));
  return Number(timespec.readBigInt64LE(0)) * 1_000 + Number(timespec.readBigInt64LE(8)) / 1e6;
}

/** How many descriptors a process may have open: it keeps to `soft` and may raise that to `hard`. Infinity: no limit. */
interface NofileLimit {
  soft: number;
  hard: number;
}

const INFINITE = 0xffff_ffff_ffff_ffffn;
const toNumber = (limit: bigint): number => (limit === INFINITE ? Infinity : Number(limit));
const toLong = (limit: number): bigint => (limit === Infinity ? INFINITE : BigInt(limit));

/** This process's limit of open descriptors. Source: getrlimit(2); `struct rlimit` is two unsigned longs: soft, hard. */
export function nofileLimit(): NofileLimit {
  const limit = Buffer.alloc(16);
  checked("getrlimit", getrlimit(RLIMIT_NOFILE, limit));
  return { soft: toNumber(limit.readBigUInt64LE(0)), hard: toNumber(limit.readBigUInt64LE(8)) };
}

/**
 * Sets this process's soft limit of open descriptors; the hard one stays. Its children inherit it. Source: setrlimit(2).
 * @throws SystemError EINVAL over the hard limit
 */
export function setSoftNofile(soft: number): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(toLong(soft), 0);
  limit.writeBigUInt64LE(toLong(nofileLimit().hard), 8);
  checked("setrlimit", setrlimit(RLIMIT_NOFILE, limit));
}

/**
 * Who is at the other end of a connected unix socket, as the kernel noted it at the connect. Source: unix(7), SO_PEERCRED; `struct ucred` is pid, uid, gid.
 *
 * @param fd a connected socket's descriptor
 * @throws SystemError EBADF, ENOTSOCK
 */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const ucred = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ucred.length);
  checked("getsockopt", getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length));
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}

/**
 * Whether a pid is in use, by whomever, its zombie included: signal 0 is sent, which reaches nobody. Source: kill(2).
 * It says nothing about whose it is.
 */
export function pidInUse(pid: number): boolean {
  return pid > 0 && answers(pid);
}

/** Whether a process group has a member, zombies included. Nothing is sent. Source: kill(2), signal 0. */
export function groupInUse(group: number): boolean {
  return group > 1 && answers(-group);
}

function answers(target: number): boolean {
  try {
    checked("kill", kill(target, 0));
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM"; // somebody else's
  }
}

/**
 * Signals a process, or a group where `target` is negative. Source: kill(2).
 *
 * Only for a child of ours that nobody has reaped: any other number may have become somebody else's by now.
 * @throws SystemError ESRCH, EPERM
 */
export function sendSignal(target: number, signal: number): void {
  if (Math.abs(target) <= 1) throw new RangeError(`no signal goes to ${target}`);
  checked("kill", kill(target, signal));
}

/** Ends this process at once: no handler runs and no thread is waited for, as one that hangs in an exec would be. Source: _exit(2). */
export function exitNow(status: number): never {
  exit(status);
  throw new Error("_exit returned");
}

/** Bytes of a page of memory. Source: getpagesize(2). */
export const pageBytes = (): number => getpagesize();
