import { AppError, messageOf } from "../base/errors.ts";
import type { InDoubt, OnAppend } from "./append.ts";
import { closeDatabase, tidyWal } from "./database.ts";
import type { AppendResult, Journal } from "./journal.ts";
import { reopen, reopenWithin, type Store, storeOpener } from "./reopen.ts";
import { collectValues } from "./sealed-values.ts";
import type { Db } from "./sqlite.ts";

/** A journal that also does its own upkeep. */
export interface Writer extends Journal {
  /** Removes sealed values made before `madeBefore` (of the `at` clock) that are not among `live`; how many. */
  collectValues(live: readonly string[], madeBefore: number): Promise<number>;
}

export interface WriterOptions {
  stateDirectory: string;
  /** Makes the append hook for a connection; called again when the file had to be reopened. */
  hook: (db: Db) => OnAppend;
  /** How long a batch that may or may not be stored waits for the disk to tell, in milliseconds. */
  patienceMs?: number;
}

/** Quiet time after which the WAL is copied into the file, so that the next burst overwrites it from its start. */
const IDLE_MS = 500;
const PATIENCE_MS = 10_000;

/**
 * The event store's write side, in the thread it is called in.
 *
 * After an I/O error the file is reopened, and only what is proven to be on the disk counts. Where that cannot be known in time the batch is
 * answered as failed, and until it is known nothing is stored. If then the batch turns out to be stored, writing ends for good: its caller went on
 * from states that the log does not have, and must start again from the log.
 *
 * @throws AppError as `openForWriting`, and `log_corrupt` where the log's end was cut off
 */
export function openWriter(options: WriterOptions): Writer {
  const open = storeOpener(options.stateDirectory, options.hook);
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  let store: Store | undefined = open({ settled: false });
  let doubt: InDoubt | undefined;
  const idle = setTimeout(() => store && tidyWal(store.db), IDLE_MS).unref();

  const usable = (): Store => {
    if (store === undefined && doubt !== undefined) store = resumed(reopen(open, doubt));
    if (store === undefined) throw new AppError("storage_failed", "the event log is closed");
    idle.refresh();
    return store;
  };

  const settle = async (batch: InDoubt): Promise<AppendResult> => {
    doubt = batch;
    store?.db.close();
    store = undefined;
    const { store: opened, held } = await reopenWithin(patienceMs, open, batch);
    store = opened;
    return held ? batch.committed : { outcome: "failed", message: batch.message };
  };

  return {
    async append(groups) {
      try {
        const result = usable().append(groups);
        return result.outcome === "in_doubt" ? await settle(result) : result;
      } catch (error) {
        return { outcome: "failed", message: messageOf(error) };
      }
    },
    async settleKey(key, actor, status, reply) {
      usable()
        .db.prepare("UPDATE idempotency_keys SET status = ?, reply = ? WHERE actor = ? AND key = ?")
        .run(status, reply, actor, key);
    },
    collectValues: async (live, madeBefore) => collectValues(usable().db, live, madeBefore),
    async close() {
      clearTimeout(idle);
      if (store) closeDatabase(store.db);
      store = undefined;
      doubt = undefined;
    },
  };
}

/** The store of a batch that was answered as failed, if it is not in it. */
function resumed({ store, held }: { store: Store; held: boolean }): Store {
  if (!held) return store;
  store.db.close();
  throw new AppError(
    "storage_failed",
    "after an I/O error the event log holds what was reported as failed: start the daemon again, which goes on from the log",
  );
}
