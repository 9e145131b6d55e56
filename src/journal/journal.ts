import type { Draft, JsonObject } from "./record.ts";

/** A row and what its actor looks like after it, for the projections. The view is not stored in the log: a fold of the log gives it. */
export interface NewRow {
  draft: Draft;
  /** The machine's own summary of its context after the event; see `machines/index.ts`. */
  view: JsonObject;
}

/** A value of `env` that is kept outside the events. */
export interface SealedValue {
  ref: string;
  sealed: Uint8Array;
  at: number;
}

/** How long an idempotency key stands for its request, in milliseconds of the `at` clock. */
export const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

/** An idempotency key with the request it stands for; its reply comes later, with `settleKey`. */
export interface KeyClaim {
  key: string;
  /** Who used it; two callers may use the same key. */
  actor: string;
  /** SHA-256 of method, path and body. */
  request: string;
  /** The first event it led to. */
  eventId: string;
  at: number;
}

/** One input and everything its policies made of it: stored whole or not at all. */
export interface Group {
  rows: NewRow[];
  sealed?: SealedValue[];
  claim?: KeyClaim;
}

export type AppendResult =
  /** `hashes`: of the rows, in order; `head`: the last one's, or what it was where there are no rows. */
  | { outcome: "committed"; firstSeq: number; head: string; hashes: readonly string[] }
  /** A group broke a rule of the log (version, duplicate id): a bug. Nothing of the batch is stored. */
  | { outcome: "refused"; group: number; message: string }
  /** The disk is full (SQLITE_FULL). Nothing of the batch is stored. */
  | { outcome: "full"; message: string }
  /** An I/O error, and the file, reopened and checked, does not hold the batch. */
  | { outcome: "failed"; message: string };

/** The write side of the event store, as the runtime sees it. */
export interface Journal {
  /** Appends all groups in one transaction, in order. One call at a time. Never rejects. */
  append(groups: readonly Group[]): Promise<AppendResult>;
  /** Stores how a command that claimed a key ended. */
  settleKey(key: string, actor: string, status: number, reply: string): Promise<void>;
  /** Checkpoints the WAL and closes; after it no call may follow. */
  close(): Promise<void>;
}
