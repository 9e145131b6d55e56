import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryJournal } from "../support/memory-journal.ts";
import type { EventReader } from "../../src/journal/event-reader.ts";
import type { EventRow } from "../../src/journal/record.ts";
import type { Snapshot } from "../../src/journal/snapshots.ts";
import { stateDigest } from "../../src/journal/state-text.ts";
import { stateAt, statesAt } from "../../src/runtime/past.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";
import { histories, historyOf } from "../support/histories.ts";

/** A log with snapshots every few rows, some that fit and what a test makes of others. */
async function logWith(rows: readonly EventRow[], every: number): Promise<EventReader> {
  const { journal, reader } = memoryJournal(every);
  const fold = new Fold();
  const drafts = rows.map((row) => {
    fold.add(row);
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = row;
    return { draft, view: fold.streams.get(row.stream)?.snapshot.context as never };
  });
  await journal.append([{ rows: drafts }]);
  return reader;
}

/** Everything that lives after a row, byte for byte, by a fold from the beginning. */
function byFold(rows: readonly EventRow[], seq: number): string[] {
  const fold = new Fold();
  for (const row of rows) if (row.seq <= seq) fold.add(row);
  return bytesOf(fold);
}

const bytesOf = (fold: Fold): string[] =>
  [...fold.streams.values()]
    .filter(({ snapshot }) => snapshot.status === "active")
    .map(({ stream, snapshot }) => JSON.stringify([stream, stateOf(snapshot), snapshot.context]))
    .toSorted();

describe("a moment of the past, from the snapshot before it", () => {
  it("is byte for byte what a fold from the beginning gives, at every row of any history", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 9 }), async (moves, every) => {
        const rows = await historyOf(moves);
        const reader = await logWith(rows, every);
        for (const { seq } of [{ seq: 0 }, ...rows]) {
          const unfit: string[] = [];
          const fold = statesAt(reader, seq, { onUnfit: (_, reason) => unfit.push(reason) });
          expect(bytesOf(fold)).toEqual(byFold(rows, seq));
          expect(unfit).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("is the same for one stream alone", async () => {
    const rows = await historyOf([
      [0, 1],
      [0, 0],
      [3, 0],
      [10, 0],
      [9, 0],
      [0, 0],
      [3, 0],
      [11, 0],
    ]);
    const reader = await logWith(rows, 4);
    for (const { seq } of rows) {
      const { snapshot } = stateAt(reader, "service/web", seq);
      const all = byFold(rows, seq).find((one) => one.startsWith('["service/web"'));
      expect(snapshot && JSON.stringify(["service/web", stateOf(snapshot), snapshot.context])).toBe(
        all,
      );
    }
  });
});

describe("a snapshot that does not fit", () => {
  let rows: EventRow[];
  let reader: EventReader;
  let seq: number;
  beforeEach(async () => {
    rows = await historyOf([
      [0, 0],
      [0, 1],
      [3, 1],
      [10, 0],
      [3, 1],
      [10, 0],
      [3, 1],
      [11, 0],
    ]);
    reader = await logWith(rows, 4);
    seq = rows.at(-1)?.seq ?? 0;
  });

  /** The states at the end of a log whose newest snapshots are changed; and why they were passed over. */
  function withSpoilt(change: (snapshot: Snapshot) => Partial<Snapshot>, reach = 1) {
    const spoilt = new Map<string, number>();
    const unfit: string[] = [];
    const snapshotAt: EventReader["snapshotAt"] = (stream, upTo) => {
      const snapshot = reader.snapshotAt(stream, upTo);
      const count = spoilt.get(stream) ?? 0;
      if (!snapshot || count >= reach) return snapshot;
      spoilt.set(stream, count + 1);
      return { ...snapshot, ...change(snapshot) };
    };
    const fold = statesAt({ ...reader, snapshotAt }, seq, {
      onUnfit: ({ stream }, reason) => unfit.push(`${stream}: ${reason}`),
    });
    return { bytes: bytesOf(fold), unfit };
  }

  /** Whoever changes a snapshot and knows how its digest is made. */
  const sealed = (snapshot: Snapshot): Partial<Snapshot> => ({
    ...snapshot,
    digest: stateDigest(snapshot.hash, snapshot),
  });
  const cases: [string, (snapshot: Snapshot) => Partial<Snapshot>, string][] = [
    ["of another log", () => ({ hash: "0".repeat(64) }), "altered"],
    ["whose text is torn", ({ state }) => ({ state: state.slice(0, 40) }), "altered"],
    ["that is empty", () => ({ state: "" }), "altered"],
    [
      "whose context was changed",
      ({ state }) => ({ state: state.replace('"attempt":', '"attempt":1') }),
      "altered",
    ],
    [
      "of a row that is not in the log",
      (one) => sealed({ ...one, hash: "0".repeat(64) }),
      "not of this log",
    ],
    [
      "of another version",
      (one) => sealed({ ...one, version: one.version - 1 }),
      "not of this log",
    ],
    [
      "in another state than its row led to",
      (one) => sealed({ ...one, state: one.state.replace(/"value":"\w+"/, '"value":"failed"') }),
      'and it is in "failed"',
    ],
    ["of a newer machine", () => ({ schema: 99 }), "newer than ours"],
    [
      "of a stream of another kind",
      () => ({ stream: "session/x" }),
      'no machine is called "session"',
    ],
  ];
  it.each(cases)("%s is passed over for an older one", (_, change, reason) => {
    const { bytes, unfit } = withSpoilt(change);
    expect(bytes).toEqual(byFold(rows, seq));
    expect(unfit.length).toBeGreaterThan(0);
    expect(unfit[0]).toContain(reason);
  });

  it("is passed over for the beginning where there is no other", () => {
    const { bytes, unfit } = withSpoilt(() => ({ state: "{" }), 1_000);
    expect(bytes).toEqual(byFold(rows, seq));
    expect(unfit.length).toBe(4); // one of the environment, three of db
  });
});
