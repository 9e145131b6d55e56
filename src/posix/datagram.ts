import { closeSync } from "node:fs";
import { constants } from "node:os";
import { addressOf, bind, checked, SystemError } from "./libc.ts";

/** Source: linux/socket.h, asm-generic/socket.h, linux/net.h; the same on amd64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_PASSCRED = 16;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** The longest name of a unix socket: `sun_path` has 108 bytes, and a path ends with NUL. Source: unix(7). */
export const MAX_NAME_BYTES = 107;

const socket = bind<(domain: number, type: number, protocol: number) => number>(
  "int socket(int domain, int type, int protocol)",
);
const bindTo = bind<(fd: number, address: Buffer, length: number) => number>(
  "int bind(int fd, void *address, unsigned int length)",
);
const setsockopt = bind<
  (fd: number, level: number, option: number, value: Buffer, length: number) => number
>("int setsockopt(int fd, int level, int option, void *value, unsigned int length)");
const recvmsg = bind<(fd: number, message: Buffer, flags: number) => number>(
  "long recvmsg(int fd, void *message, int flags)",
);

/** One message. */
export interface Datagram {
  /** As much of it as there was room for; its own copy. */
  bytes: Buffer;
  /** There was more of it, which is lost. */
  truncated: boolean;
  /** Who sent it, as the kernel vouches: in our PID namespace; 0 where the sender is in none of ours. Only root can say it is another. */
  pid: number;
  /** Descriptors that came with it: ours now, to be closed. */
  fds: readonly number[];
}

/** `struct sockaddr_un`: the family, then the path with its NUL, or a NUL and the abstract name. Source: unix(7). */
function addressOfName(name: string): Buffer {
  const bytes = Buffer.from(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX, 0);
  return Buffer.concat([family, bytes]);
}

/**
 * Makes a socket for messages, named by a path, or by an abstract name where it begins with `@`. It never waits, is not inherited, and tells who sent what.
 * Its file is for whoever makes it to remove. Source: unix(7), SO_PASSCRED.
 *
 * @returns its descriptor
 * @throws SystemError EADDRINUSE, EACCES, ENOENT of the directory
 */
export function openDatagramSocket(name: string): number {
  const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = checked("socket", socket(AF_UNIX, type, 0));
  try {
    const yes = Buffer.alloc(4);
    yes.writeInt32LE(1, 0);
    checked("setsockopt", setsockopt(fd, SOL_SOCKET, SO_PASSCRED, yes, yes.length));
    const address = addressOfName(name);
    checked("bind", bindTo(fd, address, address.length));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Larger than what anybody means to send: systemd takes 4096 bytes. */
const ROOM_BYTES = 65_536;
/** Credentials (32) and up to four descriptors; the kernel closes those for which there is no room, so that nobody can fill our table. Source: cmsg(3), unix(7). */
const CONTROL_BYTES = 64;
/** `struct cmsghdr`: length, level, type; what follows is aligned to 8. Source: cmsg(3). */
const CMSG_HEADER_BYTES = 16;

/** Where the next message goes. Made once, since each call leaves with a copy. */
const room = Buffer.allocUnsafeSlow(ROOM_BYTES);
const control = Buffer.allocUnsafeSlow(CONTROL_BYTES);
const vector = Buffer.alloc(16);
/** `struct msghdr`: name 0, its length 8, vector 16, its length 24, control 32, its length 40, flags 48. Source: recvmsg(2). */
const header = Buffer.alloc(56);

function resetHeader(): void {
  vector.writeBigUInt64LE(addressOf(room), 0);
  vector.writeBigUInt64LE(BigInt(ROOM_BYTES), 8);
  header.fill(0);
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
}

/**
 * Takes the next message, if there is one. Never waits.
 * @throws SystemError EBADF
 */
export function receive(fd: number): Datagram | undefined {
  resetHeader();
  const length = received(recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (length === undefined) return undefined;
  const controlLength = Number(header.readBigUInt64LE(40));
  return {
    bytes: Buffer.from(room.subarray(0, length)),
    truncated: (header.readInt32LE(48) & MSG_TRUNC) !== 0,
    ...parseControl(control.subarray(0, controlLength)),
  };
}

/** What says that there is nothing to take, now. */
const NOTHING: readonly number[] = [constants.errno.EAGAIN, constants.errno.EINTR];

function received(result: number): number | undefined {
  try {
    return checked("recvmsg", result);
  } catch (error) {
    if (error instanceof SystemError && NOTHING.includes(error.errno)) return undefined;
    throw error;
  }
}

/** What came beside a message. Source: cmsg(3); `struct ucred` is pid, uid, gid. */
export function parseControl(bytes: Buffer): Pick<Datagram, "pid" | "fds"> {
  const fds: number[] = [];
  let pid = 0;
  for (let at = 0; at + CMSG_HEADER_BYTES <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (length < CMSG_HEADER_BYTES || at + length > bytes.length) break;
    const isSocket = bytes.readInt32LE(at + 8) === SOL_SOCKET;
    const type = bytes.readInt32LE(at + 12);
    const data = bytes.subarray(at + CMSG_HEADER_BYTES, at + length);
    if (isSocket && type === SCM_CREDENTIALS) pid = data.readInt32LE(0);
    if (isSocket && type === SCM_RIGHTS)
      for (let i = 0; i + 4 <= data.length; i += 4) fds.push(data.readInt32LE(i));
    at += (length + 7) & ~7;
  }
  return { pid, fds };
}
