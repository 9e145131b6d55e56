import { chmodSync, constants } from "node:fs";
import { getSystemErrorName } from "node:util";
import koffi from "koffi";

const libc = koffi.load(null);
const mkfifoCall = libc.func("int mkfifo(const char *path, unsigned int mode)");
const openCall = libc.func("int open(const char *path, int flags, ...)");
const closeCall = libc.func("int close(int fd)");
const fcntlCall = libc.func("int fcntl(int fd, int command, ...)");

/** O_CLOEXEC, which node:fs adds by itself and does not name: linux/fcntl.h, macOS sys/fcntl.h. */
const O_CLOEXEC = process.platform === "darwin" ? 0x1000000 : 0o2000000;
/** Linux: F_LINUX_SPECIFIC_BASE + 7, linux/fcntl.h. */
const F_SETPIPE_SZ = 1031;

/**
 * Makes a named pipe with exactly this mode, whatever the umask.
 * @throws an Error with `code`, like those of node:fs. Source: mkfifo(3)
 */
export function mkfifo(path: string, mode: number): void {
  if (mkfifoCall(path, mode) !== 0) throw systemError("mkfifo", path);
  chmodSync(path, mode);
}

/**
 * Asks for a pipe of `bytes`, and for half as much as often as the kernel refuses: a user without
 * CAP_SYS_RESOURCE has a quota over all pipes (fs.pipe-user-pages-soft).
 *
 * @returns the size in effect, or undefined where the kernel knows no such call. Source: fcntl(2), F_SETPIPE_SZ
 */
export function setPipeSize(fd: number, bytes: number): number | undefined {
  for (let size = bytes; size >= 4096; size /= 2) {
    const set: number = fcntlCall(fd, F_SETPIPE_SZ, "int", size);
    if (set >= 0) return set;
  }
  return undefined;
}

/**
 * Opens the reading end of a named pipe without waiting for a writer, for a `net.Socket` that will close it.
 *
 * Not through node:fs: in a worker thread Node remembers the number of what node:fs opened and closes it when the thread
 * ends, although the socket closed it long ago and the number belongs to somebody else.
 * @throws an Error with `code`, like those of node:fs. Source: open(2), fifo(7)
 */
export function openFifoToRead(path: string): number {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const fd: number = openCall(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) throw systemError("open", path);
  return fd;
}

/** Closes what `openFifoToRead` opened, where no socket took it over. Source: close(2) */
export const closeFifo = (fd: number): void => void closeCall(fd);

function systemError(call: string, path: string): NodeJS.ErrnoException {
  const errno = koffi.errno();
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { errno: -errno, code, path });
}
