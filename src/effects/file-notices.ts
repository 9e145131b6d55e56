import { type BigIntStats, type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import { inodeOf, isUnseen, statOf } from "./file-stats.ts";

/** The kernel's notices of changes at the places that the last look came by. */
export interface FileNotices {
  /** A look begins: places that it does not come by are let go at its end. */
  begin(): void;
  /** Has changes noticed from now on, of one name in a directory or of all; comes before what it is to tell of is looked at. */
  at(place: string, name?: string): Promise<void>;
  /** @returns whether the look came by directories that were not noticed before: they may be filled yet */
  end(): boolean;
  close(): void;
}

interface FileNoticesDeps {
  /** Something has changed, it may be nothing of importance. */
  noticed: () => void;
  /** A place is there and cannot be watched, as the kernel allows no more of it. */
  failed: (error: unknown) => void;
}

interface Open {
  /** The kernel watches what had the name when it was opened, not the name; "" when that is gone. */
  inode: string;
  watcher: FSWatcher;
}

/**
 * Opens one watch of the kernel for each place, not for what is below it.
 *
 * Which names count is asked when something happens, of the look that began last: a name that it has not
 * come by yet is looked at later than what happened.
 */
export function createFileNotices({ noticed, failed }: FileNoticesDeps): FileNotices {
  const open = new Map<string, Open>();
  let names = new Map<string, Set<string> | "all">();
  let areNew = false;
  let isClosed = false;

  const shut = (place: string): void => {
    open.get(place)?.watcher.close();
    open.delete(place);
  };

  function tell(place: string, name: string | null): void {
    const those = names.get(place);
    const one = open.get(place);
    const isItself = name === basename(place); // moved or removed: another may be there with its number
    if (one && isItself) one.inode = "";
    if (isItself || those === "all" || name === null || those?.has(name)) noticed();
  }

  function start(place: string, stats: BigIntStats): void {
    try {
      const watcher = watch(place, (_, name) => tell(place, name));
      watcher.on("error", failed);
      open.set(place, { inode: inodeOf(stats), watcher });
      areNew ||= stats.isDirectory();
    } catch (error) {
      if (!isUnseen(error)) failed(error);
    }
  }

  return {
    begin: () => {
      names = new Map();
      areNew = false;
    },
    at: async (place, name) => {
      const those = names.get(place);
      names.set(place, added(those, name));
      if (those) return; // this look has been here
      const stats = await statOf(place);
      if (stats && open.get(place)?.inode === inodeOf(stats)) return;
      shut(place);
      if (stats && !isClosed) start(place, stats);
    },
    end: () => {
      for (const place of open.keys()) if (!names.has(place)) shut(place);
      return areNew;
    },
    close: () => {
      isClosed = true;
      for (const place of open.keys()) shut(place);
    },
  };
}

function added(those: Set<string> | "all" | undefined, name?: string): Set<string> | "all" {
  if (those === "all" || name === undefined) return "all";
  return new Set(those).add(name);
}
