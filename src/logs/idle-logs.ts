import { closeSync, fstatSync, type Stats } from "node:fs";
import { lookAt } from "./directory.ts";
import type { LogFile } from "./log-file.ts";

/** Logs that nobody writes to now, kept open for the next life of their service: to open one anew takes a millisecond. */
interface IdleLogs {
  /** Takes over a log after its last user; closes the one that is idle longest where there are too many. */
  keep(log: LogFile): void;
  /** Hands a log back. One whose file was touched by somebody else meanwhile is closed, to be opened anew. */
  take(service: string): LogFile | undefined;
  /** Closes all of them. */
  closeAll(): void;
}

interface IdleLimits {
  /** Logs kept open at most: each costs a file descriptor. */
  most: number;
  /** How long one is kept, in milliseconds. */
  keepMs: number;
}

/** Longer than the longest pause before a service is started again. */
export const IDLE_LIMITS: IdleLimits = { most: 64, keepMs: 60_000 };

interface Idle {
  log: LogFile;
  /** How its file was left. */
  left: Stats;
  closeAt: number;
}

/** Nothing is idle yet. */
export function createIdleLogs({ most, keepMs }: IdleLimits): IdleLogs {
  const idle = new Map<string, Idle>(); // in the order they came, so the first is idle longest
  let timer: NodeJS.Timeout | undefined;

  const close = ({ log }: Idle): void => {
    idle.delete(log.service);
    closeLog(log);
  };
  const closeOld = (): void => {
    const now = performance.now();
    for (const one of idle.values()) if (one.closeAt <= now) close(one);
    const [next] = idle.values();
    timer = next && setTimeout(closeOld, next.closeAt - now + 1);
  };
  return {
    keep: (log) => {
      if (log.fd === undefined) return;
      const closeAt = performance.now() + keepMs;
      idle.set(log.service, { log, left: fstatSync(log.fd), closeAt });
      const [oldest] = idle.values();
      if (oldest && idle.size > most) close(oldest);
      timer ??= setTimeout(closeOld, keepMs);
    },
    take: (service) => {
      const found = idle.get(service);
      if (found === undefined) return undefined;
      idle.delete(service);
      if (isAsLeft(found)) return found.log;
      closeLog(found.log);
      return undefined;
    },
    closeAll: () => {
      clearTimeout(timer);
      timer = undefined;
      for (const one of idle.values()) close(one);
    },
  };
}

/** Lets go of a log's file. */
export function closeLog(log: LogFile): void {
  if (log.fd !== undefined) closeSync(log.fd);
  log.fd = undefined;
}

/** The change time tells of files that were written in place, too. The number of a file that is open is not given out again. */
function isAsLeft({ log, left }: Idle): boolean {
  const now = lookAt(log.path);
  return (
    now !== undefined &&
    now.ino === left.ino &&
    now.dev === left.dev &&
    now.ctimeMs === left.ctimeMs &&
    now.size === log.size
  );
}
