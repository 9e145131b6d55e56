import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { createFileNotices, type FileNotices } from "./file-notices.ts";
import { differenceOf, type FileSight, seeFiles } from "./file-sight.ts";

/** Files that services want to be restarted for. */
export interface FileWatch {
  /** Watches for a service from now on, in the place of what was watched before. Files need not be there yet. */
  watch(service: string, paths: readonly string[]): void;
  forget(service: string): void;
  close(): void;
}

interface FileWatchDeps {
  /** Called when nothing has changed for a moment after something had; `path` is one that is not what it was. */
  changed: (service: string, path: string) => void;
  logger: Logger;
}

/** Programs write in several steps, and many files at a time: so long nothing more may come, in milliseconds. */
const SETTLE_MS = 200;
/** So long after a look that failed comes the next, in milliseconds: nothing else may say that it is time. */
const RETRY_MS = 10_000;

interface Watched {
  service: string;
  paths: readonly string[];
  notices: FileNotices;
  /** What was there when it was last told of a change; undefined before the first look. */
  seen: FileSight | undefined;
  next: NodeJS.Timeout | undefined;
  isLooking: boolean;
  /** Its trouble is in the log: each further file would say the same. */
  hasWarned: boolean;
  isOver: boolean;
}

/**
 * Looks again at what is watched when the kernel has noticed something and it has settled, and tells of what differs.
 *
 * The notices say when to look, never what has changed: those of a directory end with it, and come too late for what
 * is made in a new one. What differs does not depend on them.
 */
export function createFileWatch({ changed, logger }: FileWatchDeps): FileWatch {
  const all = new Map<string, Watched>();

  const forget = (service: string): void => {
    const one = all.get(service);
    all.delete(service);
    if (one) end(one);
  };

  function warn(one: Watched, error: unknown): void {
    if (one.hasWarned) return;
    one.hasWarned = true;
    logger.warn({ service: one.service }, `its files cannot be watched: ${messageOf(error)}`);
  }

  function lookIn(one: Watched, ms: number): void {
    if (one.isOver) return;
    clearTimeout(one.next);
    one.next = setTimeout(() => {
      one.next = undefined;
      if (one.isLooking) lookIn(one, ms);
      else look(one);
    }, ms);
  }

  function look(one: Watched): void {
    one.isLooking = true;
    compare(one)
      .catch((error: unknown) => {
        warn(one, error);
        lookIn(one, RETRY_MS);
      })
      .finally(() => (one.isLooking = false));
  }

  async function compare(one: Watched): Promise<void> {
    const { service, paths, notices, seen: before } = one;
    notices.begin();
    const seen = await seeFiles(paths, notices);
    const areNew = notices.end();
    if (!before) logger.debug({ service, paths }, "its files are watched");
    one.seen ??= seen;
    const path = before && differenceOf(before, seen);
    if (path === undefined) return;
    if (areNew) lookIn(one, SETTLE_MS);
    if (one.isOver || one.next) return; // it goes on changing
    one.seen = seen;
    changed(service, path);
  }

  function begin(service: string, paths: readonly string[]): Watched {
    const notices = createFileNotices({
      noticed: () => lookIn(one, SETTLE_MS),
      failed: (error) => warn(one, error),
    });
    const one: Watched = {
      service,
      paths,
      notices,
      seen: undefined,
      next: undefined,
      isLooking: false,
      hasWarned: false,
      isOver: false,
    };
    look(one);
    return one;
  }

  return {
    watch: (service, paths) => {
      if (isDeepStrictEqual(all.get(service)?.paths, paths)) return;
      forget(service);
      all.set(service, begin(service, paths));
    },
    forget,
    close: () => {
      for (const one of all.values()) end(one);
      all.clear();
    },
  };
}

function end(one: Watched): void {
  one.isOver = true;
  clearTimeout(one.next);
  one.notices.close();
}
