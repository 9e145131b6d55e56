import type { KeyRecord } from "../../src/journal/event-reader.ts";
import type { EventRow } from "../../src/journal/record.ts";
import type { Snapshot } from "../../src/journal/snapshots.ts";

/** What a log in memory holds. */
export interface MemoryStore {
  rows: EventRow[];
  byId: Map<string, EventRow>;
  /** Empty for a stream whose only batch was taken back. */
  byStream: Map<string, EventRow[]>;
  /** Of each stream, oldest first. */
  snapshots: Map<string, Snapshot[]>;
  sealed: Map<string, Uint8Array>;
  keys: Map<string, KeyRecord>;
}

export const memoryStore = (): MemoryStore => ({
  rows: [],
  byId: new Map(),
  byStream: new Map(),
  snapshots: new Map(),
  sealed: new Map(),
  keys: new Map(),
});

/** Key and actor as one name. */
export const keyName = (key: string, actor: string): string => JSON.stringify([actor, key]);
