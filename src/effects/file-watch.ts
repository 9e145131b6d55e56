import type { FSWatcher } from "chokidar";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";

/** Files that services want to be restarted for. */
export interface FileWatch {
  /** Watches for a service from now on, in the place of what was watched before. Files need not be there yet. */
  watch(service: string, paths: readonly string[]): void;
  forget(service: string): void;
  close(): Promise<void>;
}

interface FileWatchDeps {
  /** Called when nothing has changed for a moment after something had; `path` is what changed first. */
  changed: (service: string, path: string) => void;
  logger: Logger;
}

/** Programs write in several steps, and many files at a time: so long nothing more may come, in milliseconds. */
const SETTLE_MS = 200;

interface Watched {
  key: string;
  watcher: Promise<FSWatcher>;
  settling: NodeJS.Timeout | undefined;
  first: string | undefined;
  isOver: boolean;
}

/** Watches with the kernel's own notices; directories with all that is below them. */
export function createFileWatch({ changed, logger }: FileWatchDeps): FileWatch {
  const all = new Map<string, Watched>();

  async function begin(
    service: string,
    paths: readonly string[],
    one: Watched,
  ): Promise<FSWatcher> {
    const { watch } = await import("chokidar"); // most daemons watch nothing
    const watcher = watch([...paths], { ignoreInitial: true, ignorePermissionErrors: true });
    watcher.on("all", (_, path) => {
      if (one.isOver) return;
      one.first ??= path;
      clearTimeout(one.settling);
      one.settling = setTimeout(() => {
        const { first = path } = one;
        one.first = undefined;
        changed(service, first);
      }, SETTLE_MS);
    });
    watcher.on("error", (error) =>
      logger.warn({ service }, `its files cannot be watched: ${messageOf(error)}`),
    );
    watcher.on("ready", () => logger.debug({ service, paths }, "its files are watched"));
    return watcher;
  }

  async function end(one: Watched): Promise<void> {
    one.isOver = true;
    clearTimeout(one.settling);
    await (await one.watcher).close();
  }

  const forget = (service: string): void => {
    const one = all.get(service);
    all.delete(service);
    if (one) end(one).catch((error: unknown) => logger.warn({ service }, messageOf(error)));
  };

  return {
    watch: (service, paths) => {
      const key = JSON.stringify(paths);
      if (all.get(service)?.key === key) return;
      forget(service);
      const one = { key, settling: undefined, first: undefined, isOver: false } as Watched;
      one.watcher = begin(service, paths, one);
      one.watcher.catch((error: unknown) =>
        logger.warn({ service }, `its files cannot be watched: ${messageOf(error)}`),
      );
      all.set(service, one);
    },
    forget,
    close: async () => {
      const open = [...all.values()];
      all.clear();
      await Promise.allSettled(open.map(end));
    },
  };
}
