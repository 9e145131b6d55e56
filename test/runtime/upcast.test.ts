import { beforeEach, describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { memoryJournal } from "../support/memory-journal.ts";
import type { EventReader } from "../../src/journal/event-reader.ts";
import type { EventRow, JsonObject } from "../../src/journal/record.ts";
import type { StreamState } from "../../src/journal/state-text.ts";
import { UPCASTERS, type RowShape, type Upcaster, upcastRow } from "../../src/journal/upcast.ts";
import { stateAt, statesAt } from "../../src/runtime/past.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";
import { World } from "../support/world.ts";

/*
 * A past that never was: machine version -1 called `crashed` "broken", its exits had a bare `code`, and it remembered `restarts`. Version 0 named the event
 * `process.ended`. Today's version is 1; two upcasters lead there.
 */

const renamed = (state: string | null): string | null => (state === "broken" ? "crashed" : state);

const fromMinusOne: Upcaster = {
  kind: "service",
  from: -1,
  row: ({ type, data, fromState, toState }) => ({
    type,
    data:
      "code" in data ? { ...without(data, "code"), status: { code: data["code"] ?? null } } : data,
    fromState: renamed(fromState),
    toState: renamed(toState) ?? "",
  }),
  state: ({ value, context }) => ({
    value: renamed(value) ?? "",
    context: rename(context, "restarts", "restartCount"),
  }),
};

const fromZero: Upcaster = {
  kind: "service",
  from: 0,
  row: (row) => ({ ...row, type: row.type === "process.ended" ? "process.exited" : row.type }),
  state: (state) => state,
};

const upcasters = [fromZero, fromMinusOne];

const without = (data: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(data).filter(([name]) => name !== key));

const rename = (data: JsonObject, from: string, to: string): JsonObject =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key === from ? to : key, value]));

/** A row as the oldest machine wrote it. */
function asWritten(row: EventRow): EventRow {
  if (!row.stream.startsWith("service/")) return row;
  const old = (state: string | null): string | null => (state === "crashed" ? "broken" : state);
  const isExit = row.type === "process.exited";
  const { code } = (row.data["status"] ?? {}) as { code?: number };
  return {
    ...row,
    schema: -1,
    fromState: old(row.fromState),
    toState: old(row.toState) ?? "",
    ...(isExit && {
      type: "process.ended",
      data: { ...without(row.data, "status"), code: code ?? null },
    }),
  };
}

function stateAsWritten({ value, context }: StreamState): StreamState {
  return {
    value: value === "crashed" ? "broken" : value,
    context: rename(context, "restartCount", "restarts"),
  };
}

let today: readonly EventRow[];
let old: EventReader;
beforeEach(async () => {
  const world = new World();
  await world.boot();
  await world.create("web");
  for (let life = 0; life < 3; life += 1) {
    await world.exits("web", { code: 7 });
    await world.pass(1_000);
  }
  await world.exits("web", { code: 7 });
  today = world.rows;
  const { journal, reader } = memoryJournal(4);
  const fold = new Fold();
  const rows = today.map((row) => {
    fold.add(row);
    const { snapshot } = fold.streams.get(row.stream) ?? {};
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = asWritten(row);
    const isService = row.stream.startsWith("service/");
    const state = { value: row.toState, context: snapshot?.context as JsonObject };
    return { draft, view: isService ? stateAsWritten(state).context : state.context };
  });
  await journal.append([{ rows }]);
  old = reader;
});

const bytes = (fold: Fold): string[] =>
  [...fold.streams.values()].map(({ stream, snapshot }) =>
    JSON.stringify([stream, stateOf(snapshot), snapshot.context]),
  );

const folded = (rows: Iterable<EventRow>, casts?: readonly Upcaster[]): Fold => {
  const fold = new Fold({}, casts);
  for (const row of rows) fold.add(row);
  return fold;
};

describe("a log of an older machine", () => {
  it("does not fold without its upcasters, which proves that they are needed", () => {
    expect(folded(old.all()).mismatches.size).toBe(1);
  });

  it("folds to what it would have been, row by row", () => {
    const fold = folded(old.all(), upcasters);
    expect([...fold.mismatches.values()]).toEqual([]);
    expect(bytes(fold)).toEqual(bytes(folded(today)));
  });

  it("goes on from its own snapshots, which are brought up, too", () => {
    const unfit: string[] = [];
    const onUnfit = (_: unknown, reason: string) => unfit.push(reason);
    for (const { seq } of today) {
      const { snapshot } = stateAt(old, "service/web", seq, { upcasters, onUnfit });
      const expected = folded(today.slice(0, seq)).streams.get("service/web")?.snapshot;
      expect(snapshot && [stateOf(snapshot), snapshot.context]).toEqual(
        expected && [stateOf(expected), expected.context],
      );
    }
    expect(unfit).toEqual([]);
    expect(statesAt(old, today.length, { upcasters }).mismatches.size).toBe(0);
  });

  it("keeps its rows as they were written", () => {
    const exit = [...old.all()].find(({ type }) => type === "process.ended") as EventRow;
    const before = JSON.stringify(exit);
    const cast = upcastRow(exit, upcasters);
    expect(cast).toMatchObject({ type: "process.exited", schema: 1, hash: exit.hash });
    expect(JSON.stringify(exit)).toBe(before);
  });

  it("is read by each version's own step: one of today is left as it is", () => {
    const row = today.at(-1) as EventRow;
    expect(upcastRow(row, upcasters)).toEqual(row);
    const zero = { ...asWritten(row), schema: 0 };
    const steps: RowShape = upcastRow(zero, upcasters);
    expect(steps.toState).toBe(zero.toState); // the step from -1 is not for it
  });
});

describe("the list of upcasters", () => {
  it("leads from every version of every machine to today's", () => {
    for (const [kind, { version }] of Object.entries(machines)) {
      const steps = UPCASTERS.filter((one) => one.kind === kind).map(({ from }) => from);
      const expected = Array.from({ length: version - 1 }, (_, place) => place + 1);
      expect({ kind, steps: steps.toSorted((a, b) => a - b) }).toEqual({ kind, steps: expected });
    }
  });
});
