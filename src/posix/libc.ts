import { constants } from "node:os";
import koffi, { type KoffiFunc } from "koffi";

const libc = koffi.load(null);

/**
 * A function of the C library this process was linked with, looked up when it is first called: what one system lacks
 * stops nobody who does not call it.
 *
 * @param prototype as koffi reads it; koffi 3 knows no `ssize_t`, `long` is the same
 */
export function bind<Call extends (...args: never[]) => unknown>(prototype: string): Call {
  let bound: Call | undefined;
  const call = (...args: Parameters<Call>) => {
    bound ??= libc.func(prototype) as unknown as Call;
    return bound(...args);
  };
  return call as Call;
}

/** The same for a call that may wait: it runs in libuv's pool. `keep` is held until it has answered, since C only has its address. */
export function bindAsync<Args extends unknown[]>(
  prototype: string,
): (keep: object, ...args: Args) => Promise<number> {
  let bound: KoffiFunc<(...args: Args) => number> | undefined;
  return (keep, ...args) => {
    bound ??= libc.func(prototype) as unknown as KoffiFunc<(...args: Args) => number>;
    const call = bound;
    held.add(keep);
    return new Promise((resolve, reject) => {
      const answered = (error: Error | null, result: number) => {
        held.delete(keep);
        if (error) reject(error);
        else resolve(result);
      };
      call.async(...args, answered);
    });
  };
}

const held = new Set<object>();

/** Whether the C library has a function of that name. */
export function exists(name: string): boolean {
  try {
    return Boolean(libc.symbol(name));
  } catch {
    return false; // how koffi says no
  }
}

const strerror = bind<(errno: number) => string>("const char *strerror(int errno)");

const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  if (!NAMES.has(number)) NAMES.set(number, name);
}

/** A system call that failed. */
export class SystemError extends Error {
  /** The errno's name: `ENOENT`. */
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  /** What the C library says about it: `No such file or directory`. */
  readonly text: string;

  constructor(syscall: string, errno: number) {
    const text = strerror(errno);
    super(`${syscall}: ${text}`);
    this.name = "SystemError";
    this.code = NAMES.get(errno) ?? `errno ${errno}`;
    this.errno = errno;
    this.syscall = syscall;
    this.text = text;
  }
}

/** Text of an errno by its name, as the C library has it; the name itself where it is unknown. */
export function errnoText(code: string): string {
  const number = (constants.errno as Record<string, number>)[code];
  return number === undefined ? code : strerror(number);
}

/**
 * The answer of a call that says -1 where it failed.
 * @throws SystemError with what `errno` was
 */
export function checked(syscall: string, result: number): number {
  if (result === -1) throw new SystemError(syscall, koffi.errno());
  return result;
}

/** Address of a buffer's first byte, for pointers inside structures. The buffer must be kept referenced. */
export const addressOf = (buffer: Buffer): bigint => koffi.address(buffer);
