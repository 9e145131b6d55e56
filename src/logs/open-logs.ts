import { reasonOf } from "./directory.ts";
import { closeLog, createIdleLogs, IDLE_LIMITS } from "./idle-logs.ts";
import { type LogFile, type LogPlace, openLog, position, type ReportIncident } from "./log-file.ts";
import type { LogOptions } from "./messages.ts";
import { removeBeyond } from "./prune.ts";
import { appendRotating, tend } from "./rotate.ts";

const TEND_EVERY_MS = 1000;
/** Files never get smaller than this, however many share the space. */
const LEAST_ROTATE_BYTES = 64 * 1024;

/** The logs that are written to now, each once, however many incarnations write to it. */
export interface OpenLogs {
  /**
   * Opens a log, or counts one user more.
   * @throws AppError `log_directory_unusable`
   */
  acquire(service: string): LogFile;
  /** One user less. After the last, and once nothing is missing in it, the log is idle: it stays open for a while. */
  release(service: string): void;
  /** Writes whole lines. @returns bytes that could not be written */
  write(log: LogFile, bytes: Buffer, lines: number): number;
  /** The position of a log that is written to. */
  positionOf(service: string): number | undefined;
  /** Tends all logs once more and closes them. */
  close(): void;
}

interface Entry {
  log: LogFile;
  users: number;
}

/** Keeps logs open, tends them every second while lines come, and holds the directory to its size. `onGap`: a gap record was written. */
export function createLogs(
  options: LogOptions,
  report: ReportIncident,
  onGap: (service: string, record: Buffer) => void,
  idleLimits = IDLE_LIMITS,
): OpenLogs {
  const { totalBytes, rotateBytes } = options;
  const entries = new Map<string, Entry>();
  const idle = createIdleLogs(idleLimits);
  const place: LogPlace = { ...options };
  const pruneEveryBytes = Math.floor(totalBytes / 16);
  let sincePrune = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Together the files that are written to take three quarters of the space at most. */
  const share = (): void => {
    const fair = Math.floor((totalBytes * 3) / 4 / Math.max(1, entries.size));
    place.rotateBytes = Math.min(rotateBytes, Math.max(LEAST_ROTATE_BYTES, fair));
  };
  const prune = (inUse: (service: string) => boolean): void => {
    sincePrune = 0;
    idle.closeAll(); // a file that is removed while it is open takes its space on
    try {
      removeBeyond(place, totalBytes - pruneEveryBytes, inUse, report);
    } catch (error) {
      const message = `old logs in ${place.logDir} could not be looked through: ${reasonOf(error)}`;
      report({ service: "", kind: "trouble", message });
    }
  };
  const tendOne = (service: string, { log, users }: Entry): void => {
    const record = tend(log);
    if (record) onGap(service, record);
    if (users > 0 || log.gap) return;
    entries.delete(service);
    idle.keep(log);
    share();
  };
  const begin = (service: string): Entry => {
    const log = idle.take(service) ?? openLog(place, service, report);
    const entry = { log, users: 0 };
    entries.set(service, entry);
    return entry;
  };
  const tendAll = (): void => {
    timer = undefined;
    for (const [service, entry] of entries) {
      if (entry.log.gap || entry.log.checked !== position(entry.log)) tendOne(service, entry);
    }
    if ([...entries.values()].some(({ log }) => log.gap)) tendLater();
  };
  const tendLater = (): void => {
    timer ??= setTimeout(tendAll, TEND_EVERY_MS);
  };

  prune(() => true); // nothing runs yet, and much of it soon will
  return {
    acquire: (service) => {
      const entry = entries.get(service) ?? begin(service);
      entry.users += 1;
      share();
      if (entry.log.gap) tendLater();
      return entry.log;
    },
    release: (service) => {
      const entry = entries.get(service);
      if (entry === undefined) return;
      entry.users -= 1;
      if (entry.users === 0) tendOne(service, entry);
      if (entry.log.gap) tendLater();
    },
    write: (log, bytes, lines) => {
      const dropped = appendRotating(log, bytes, lines);
      sincePrune += bytes.length;
      if (sincePrune > pruneEveryBytes) prune((service) => entries.has(service));
      tendLater();
      return dropped;
    },
    positionOf: (service) => {
      const log = entries.get(service)?.log;
      return log && position(log);
    },
    close: () => {
      clearTimeout(timer);
      for (const [service, entry] of entries) {
        entry.users = 0;
        tendOne(service, entry);
        if (entry.log.gap) closeLog(entry.log);
      }
      entries.clear();
      idle.closeAll();
    },
  };
}
