import { AppError } from "../base/errors.ts";
import { appender, type InDoubt, type OnAppend } from "./append.ts";
import { openForWriting } from "./database.ts";
import { type Head, trustedHead } from "./head.ts";
import type { AppendResult, Group } from "./journal.ts";
import { type EventShape, refuseNewer } from "./shapes.ts";
import { type Db, preparedBy } from "./sqlite.ts";
import { type StreamVersions, streamVersions } from "./stream-versions.ts";
import type { Waiting } from "./waiting.ts";

/** An open file and the way to append to it. */
export interface Store {
  db: Db;
  versions: StreamVersions;
  append: (groups: readonly Group[]) => AppendResult | InDoubt;
}

/** Opens the file of a state directory. `settled`: only if all it holds is proven to be on the disk. */
type OpenStore = (options: { settled: boolean }) => Store;

/**
 * @param hook makes the append hook for a connection
 * @param knows whether this release knows events of a shape
 */
export const storeOpener =
  (
    stateDirectory: string,
    hook: (db: Db) => OnAppend,
    knows: (shape: EventShape) => boolean = () => true,
  ): OpenStore =>
  (options) => {
    const db = preparedBy(openForWriting(stateDirectory, options), (one) =>
      refuseNewer(one, knows),
    );
    const versions = streamVersions(db);
    return { db, versions, append: appender(db, hook(db), versions) };
  };

/**
 * Opens the file again after an I/O error and tells whether it holds the batch.
 *
 * @throws AppError while that cannot be known
 */
export function reopen(open: OpenStore, doubt: InDoubt): { store: Store; held: boolean } {
  const store = open({ settled: true });
  const head = trustedHead(store.db);
  const held = same(head, doubt.after);
  if (held || same(head, doubt.before)) return { store, held };
  store.db.close();
  throw new AppError(
    "log_corrupt",
    `after an I/O error the event log ends at row ${head.seq}, which nobody wrote`,
  );
}

/** Tries until it is known or the time is over; then throws what the last try threw. */
export async function reopenWithin(
  patienceMs: number,
  open: OpenStore,
  doubt: InDoubt,
  waiting: Waiting,
): Promise<{ store: Store; held: boolean }> {
  const pauseMs = Math.min(250, patienceMs / 4);
  const end = waiting.now() + patienceMs;
  for (;;) {
    try {
      return reopen(open, doubt);
    } catch (error) {
      if (waiting.now() > end) throw error;
    }
    await waiting.pause(pauseMs);
  }
}

const same = (one: Head, other: Head): boolean => one.seq === other.seq && one.hash === other.hash;
