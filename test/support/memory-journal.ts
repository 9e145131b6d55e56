import type { EventReader } from "../../src/journal/event-reader.ts";
import {
  type AppendResult,
  type Group,
  type Journal,
  KEY_LIFE_MS,
  type KeyClaim,
  type NewRow,
  type SealedValue,
} from "../../src/journal/journal.ts";
import { memoryReader } from "./memory-reader.ts";
import { keyName, type MemoryStore, memoryStore } from "./memory-store.ts";
import { type EventRow, GENESIS, rowHash } from "../../src/journal/record.ts";
import { SNAPSHOT_EVERY, snapshotOf } from "../../src/journal/snapshots.ts";

/** A batch on its way in: how to take back what it stored, last thing last. */
type Undo = (() => void)[];

/**
 * The log in memory: the rules of the real one without a disk and without retention, for tests and simulations. It outlives its daemon, so `close` does nothing.
 *
 * @param every how many rows of a stream lie between two snapshots
 */
export function memoryJournal(every = SNAPSHOT_EVERY): { journal: Journal; reader: EventReader } {
  const store = memoryStore();
  const journal: Journal = {
    append: async (groups) => {
      const before = store.rows.length;
      const result = appendTo(store, groups);
      if (result.outcome === "committed") takeSnapshots(store, groups, before, every);
      return result;
    },
    settleKey: async (key, actor, status, reply) => {
      const record = store.keys.get(keyName(key, actor));
      if (record) store.keys.set(keyName(key, actor), { ...record, status, reply });
    },
    close: async () => {},
  };
  return { journal, reader: memoryReader(store) };
}

function takeSnapshots(
  store: MemoryStore,
  groups: readonly Group[],
  before: number,
  every: number,
): void {
  for (const [place, { view }] of groups.flatMap(({ rows }) => rows).entries()) {
    const row = store.rows[before + place];
    const snapshot = row && snapshotOf({ row, view }, every);
    if (!snapshot) continue;
    const known = store.snapshots.get(snapshot.stream) ?? [];
    store.snapshots.set(snapshot.stream, known);
    known.push(snapshot);
  }
}

function appendTo(store: MemoryStore, groups: readonly Group[]): AppendResult {
  const before = store.rows.length;
  const undo: Undo = [];
  for (const [place, group] of groups.entries()) {
    const message = problemOf(store, group, undo);
    if (message === undefined) continue;
    for (const step of undo.toReversed()) step();
    return { outcome: "refused", group: place, message };
  }
  const hashes = store.rows.slice(before).map((row) => row.hash);
  const head = store.rows.at(-1)?.hash ?? GENESIS;
  return { outcome: "committed", firstSeq: before + 1, head, hashes };
}

/** Stores a group, or says which rule it breaks. */
function problemOf(store: MemoryStore, group: Group, undo: Undo): string | undefined {
  for (const row of group.rows) {
    const problem = storeRow(store, row, undo);
    if (problem !== undefined) return problem;
  }
  for (const value of group.sealed ?? []) {
    const problem = storeValue(store, value, undo);
    if (problem !== undefined) return problem;
  }
  return group.claim && storeClaim(store, group.claim, undo);
}

function storeRow(store: MemoryStore, { draft }: NewRow, undo: Undo): string | undefined {
  const stream = store.byStream.get(draft.stream) ?? [];
  const last = stream.at(-1)?.version ?? 0;
  if (store.byId.has(draft.id)) return `there is an event ${draft.id}`;
  if (draft.version !== last + 1)
    return `${draft.stream} is at version ${last}: version ${draft.version} cannot follow`;
  const row = chained(store, draft);
  store.rows.push(row);
  store.byId.set(row.id, row);
  store.byStream.set(row.stream, stream);
  stream.push(row);
  undo.push(() => void (store.rows.pop(), stream.pop(), store.byId.delete(row.id)));
  return undefined;
}

function chained(store: MemoryStore, draft: NewRow["draft"]): EventRow {
  const data = JSON.stringify(draft.data);
  const seq = store.rows.length + 1;
  const prevHash = store.rows.at(-1)?.hash ?? GENESIS;
  const row = { ...draft, seq, data: JSON.parse(data) as EventRow["data"], prevHash };
  return { ...row, hash: rowHash(prevHash, row, data) };
}

function storeValue(
  store: MemoryStore,
  { ref, sealed }: SealedValue,
  undo: Undo,
): string | undefined {
  if (store.sealed.has(ref)) return `there is a sealed value ${ref}`;
  store.sealed.set(ref, sealed);
  undo.push(() => void store.sealed.delete(ref));
  return undefined;
}

function storeClaim(store: MemoryStore, claim: KeyClaim, undo: Undo): string | undefined {
  const name = keyName(claim.key, claim.actor);
  const old = store.keys.get(name);
  if (old && old.at > claim.at - KEY_LIFE_MS) return `the key ${claim.key} is in use`;
  store.keys.set(name, claim);
  undo.push(() => void (old ? store.keys.set(name, old) : store.keys.delete(name)));
  return undefined;
}
