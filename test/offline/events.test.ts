import { beforeEach, expect, it } from "vitest";
import type { EventWire } from "../../src/api/event-wire.ts";
import { type EventFilter, eventPages } from "../../src/offline/events.ts";
import type { Store } from "../../src/offline/store.ts";
import { bootedWorld, storeOf } from "./fixture.ts";

let store: Store;
beforeEach(async () => {
  const world = await bootedWorld();
  await world.create("web");
  await world.create("app");
  for (let count = 0; count < 200; count += 1) {
    await world.exits("web", { code: 1 });
    await world.pass(60_000);
  }
  store = await storeOf(world);
});

const rowsOf = (filter: Partial<EventFilter> = {}): EventWire[] =>
  [...eventPages(store, { types: [], ...filter })].flat();

const seqs = (filter?: Partial<EventFilter>): number[] => rowsOf(filter).map(({ seq }) => seq);

it("gives all of a log that is longer than a page, in order and once each", () => {
  const { seq } = store.reader.head();

  expect(seq).toBeGreaterThan(1_000);
  expect(seqs()).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
});

it("gives rows with the names of their columns", () => {
  expect(rowsOf({ from: 4, limit: 1 })).toEqual([
    expect.objectContaining({
      seq: 4,
      stream: "service/web",
      type: "service.created",
      data: { definition: { cmd: "web" }, version: 1 },
      boot_id: "bt_1",
      from_state: null,
      to_state: "pending",
      actor: "uid:0",
    }),
  ]);
});

it("gives the first ones from a sequence number on", () => {
  expect(seqs({ from: 700, limit: 3 })).toEqual([700, 701, 702]);
});

it("gives the newest ones where no beginning is named", () => {
  const { seq } = store.reader.head();

  expect(seqs({ limit: 2 })).toEqual([seq - 1, seq]);
});

it("finds the newest ones of a type over more than a page", () => {
  const rows = rowsOf({ types: ["process.exited"], limit: 150 });

  expect(rows).toHaveLength(150);
  expect(new Set(rows.map(({ type }) => type))).toEqual(new Set(["process.exited"]));
  expect(seqs({ types: ["process.exited"] }).slice(-150)).toEqual(rows.map(({ seq }) => seq));
});

it("knows the types of components, too, and of nothing else", () => {
  expect(rowsOf({ types: ["component.moved"] })).toEqual([]);
  expect(() => rowsOf({ types: ["component.move"] })).toThrow(/did you mean component\.moved/);
});

it("gives those of one service, of one type, from a row on", () => {
  const rows = rowsOf({ service: "app", types: ["process.spawned", "process.exited"], from: 5 });

  expect(rows.map(({ stream, type }) => [stream, type])).toEqual([
    ["service/app", "process.spawned"],
  ]);
});

it("refuses a service and a type that there are none of, and says which was meant", () => {
  expect(() => rowsOf({ service: "wep" })).toThrow(/did you mean web\?/);
  expect(() => rowsOf({ types: ["process.exitted"] })).toThrow(
    'no event has the type "process.exitted": did you mean process.exited?',
  );
});
