import { AppError, messageOf } from "../base/errors.ts";
import type { InDoubt, OnAppend } from "./append.ts";
import { closeDatabase, tidyWal } from "./database.ts";
import type { AppendResult, Journal } from "./journal.ts";
import { type Head, lastRow } from "./head.ts";
import { reopen, reopenWithin, type Store, storeOpener } from "./reopen.ts";
import {
  retention,
  type RetentionPorts,
  type RetentionRequest,
  type RetentionStep,
} from "./retention.ts";
import { collectValues } from "./sealed-values.ts";
import type { EventShape } from "./shapes.ts";
import { codeOf, type Db, isFull } from "./sqlite.ts";
import { nodeWaiting, type Waiting } from "./waiting.ts";

/** A journal that also does its own upkeep. */
export interface Writer extends Journal {
  /** Removes sealed values made before `madeBefore` (of the `at` clock) that are not among `live`; how many. */
  collectValues(live: readonly string[], madeBefore: number): Promise<number>;
  /** One step of keeping the store within its bounds. @throws AppError `storage_full`, `storage_failed`: nothing is lost, try again later */
  retain(request: RetentionRequest): Promise<RetentionStep>;
}

export interface WriterOptions {
  stateDirectory: string;
  /** Makes the append hook for a connection; called again when the file had to be reopened. */
  hook: (db: Db) => OnAppend;
  /** How long a batch that may or may not be stored waits for the disk to tell, in milliseconds. */
  patienceMs?: number;
  waiting?: Waiting;
  /** Whether this release knows events of a shape; absent: it knows all. */
  knows?: (shape: EventShape) => boolean;
  /** What retention has to know about streams; absent: nothing is ever removed. */
  retention?: RetentionPorts;
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
 * @throws AppError as `openForWriting`, `storage_newer` where the log holds an event that is not known, and `log_corrupt` where its end was cut off
 */
export function openWriter(options: WriterOptions): Writer {
  const open = storeOpener(options.stateDirectory, options.hook, options.knows);
  const { patienceMs = PATIENCE_MS, waiting = nodeWaiting } = options;
  let store: Store | undefined = open({ settled: false });
  let doubt: InDoubt | undefined;
  const idle = waiting.whenQuiet(IDLE_MS, () => store && tidyWal(store.db));

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
    const { store: opened, held } = await reopenWithin(patienceMs, open, batch, waiting);
    store = opened;
    return held ? batch.committed : { outcome: "failed", message: batch.message };
  };

  const retaining = new WeakMap<Store, ReturnType<typeof retention>>();
  const retain = (request: RetentionRequest): RetentionStep => {
    if (!options.retention) return { more: false };
    const present = usable();
    const { db, versions } = present;
    const step =
      retaining.get(present) ?? retention(db, options.retention, () => versions.forget());
    retaining.set(present, step);
    const head = lastRow(db);
    try {
      return step(request);
    } catch (error) {
      if (codeOf(error).startsWith("SQLITE_IOERR")) setAside(head, error);
      throw upkeepFailed(error);
    }
  };

  /** What an I/O error leaves in the kernel's cache is not to be believed; nothing was to be appended, though. */
  const setAside = (head: Head, error: unknown): void => {
    store?.db.close();
    store = undefined;
    const nowhere = { seq: -1, hash: "" };
    const committed = { outcome: "committed", firstSeq: head.seq + 1, head: head.hash } as const;
    const message = messageOf(error);
    doubt = {
      outcome: "in_doubt",
      message,
      before: head,
      after: nowhere,
      committed: { ...committed, hashes: [] },
    };
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
    retain: async (request) => retain(request),
    collectValues: async (live, madeBefore) => collectValues(usable().db, live, madeBefore),
    async close() {
      idle.end();
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

function upkeepFailed(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const why = `what is too old could not be removed from the event log: ${messageOf(cause)}`;
  return new AppError(isFull(cause) ? "storage_full" : "storage_failed", why, { cause });
}
