import type { EventReader, StreamSpan } from "../../src/journal/event-reader.ts";
import { KEY_LIFE_MS } from "../../src/journal/journal.ts";
import { keyName, type MemoryStore } from "./memory-store.ts";
import { GENESIS } from "../../src/journal/record.ts";

/** Reads over a log in memory. */
export const memoryReader = (store: MemoryStore): EventReader => ({
  head: () => {
    const last = store.rows.at(-1);
    return { seq: last?.seq ?? 0, at: last?.at ?? 0, hash: last?.hash ?? GENESIS };
  },
  firstSeq: () => 1,
  anchor: () => undefined,
  archived: () => [],
  anchorStates: () => [],
  snapshotAt: (stream, seq = Infinity) =>
    store.snapshots.get(stream)?.findLast((snapshot) => snapshot.seq <= seq),
  fromSeq: (seq, limit) => store.rows.slice(seq - 1, seq - 1 + limit),
  fromSeqIn: (stream, seq, limit) =>
    (store.byStream.get(stream) ?? []).filter((row) => row.seq >= seq).slice(0, limit),
  all: (seq = 1) => store.rows.slice(seq - 1),
  stream: (name, version = 1) => (store.byStream.get(name) ?? []).slice(version - 1),
  streams: () => spansOf(store).map(({ stream, version }) => ({ stream, version })),
  spans: () => spansOf(store),
  endOf: (stream) => store.byStream.get(stream)?.at(-1),
  bySeq: (seq) => store.rows[seq - 1],
  byId: (id) => store.byId.get(id),
  lastOf: (stream) => store.byStream.get(stream)?.at(-1),
  ofVersion: (stream, version) => store.byStream.get(stream)?.[version - 1],
  lastVersion: (stream) => store.byStream.get(stream)?.at(-1)?.version ?? 0,
  newest: (limit, { stream, before = Infinity } = {}) => {
    const rows = stream === undefined ? store.rows : (store.byStream.get(stream) ?? []);
    const older = rows.filter((row) => row.seq < before);
    return older.slice(Math.max(0, older.length - limit));
  },
  definitions: (stream) =>
    (store.byStream.get(stream) ?? []).filter(
      ({ type }) => type === "service.created" || type === "service.changed",
    ),
  hasSealedValues: () => store.sealed.size > 0,
  sealedValue: (ref) => store.sealed.get(ref),
  keyClaim: (key, actor, now) => {
    const record = store.keys.get(keyName(key, actor));
    return record && record.at > now - KEY_LIFE_MS ? record : undefined;
  },
  close: () => {},
});

const spansOf = (store: MemoryStore): StreamSpan[] =>
  [...store.byStream]
    .flatMap(([stream, rows]): StreamSpan[] => {
      const [first, end] = [rows[0], rows.at(-1)];
      if (!first || !end) return [];
      const { version, seq, at, wall, schema, toState } = end;
      const place = { stream, version, seq, at, wall, firstSeq: first.seq };
      return [{ ...place, anchored: false, last: { schema, toState } }];
    })
    .toSorted((one, other) => (one.stream < other.stream ? -1 : 1));
