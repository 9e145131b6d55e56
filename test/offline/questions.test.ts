import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { logPart } from "../../src/offline/log-part.ts";
import { type Parameters, Questions } from "../../src/offline/questions.ts";
import type { Causes, Told } from "../../src/offline/rows-told.ts";
import { openStore, type Store } from "../../src/offline/store.ts";
import type { Bucket } from "../../src/offline/strip.ts";
import { prefixOf } from "../../src/logs/line.ts";
import { currentFile } from "../../src/logs/segments.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, diskLog, temporaryDirectory } from "./fixture.ts";

let world: World;
let store: Store;
let questions: Questions;

const ask = async <Answer>(question: string, parameters: Parameters = {}): Promise<Answer> =>
  (await questions.answer(question, parameters, world.clock.wall())) as Answer;

const rowsOf = (type: string, stream = "service/web") =>
  world.rows.filter((row) => row.type === type && row.stream === stream);

beforeEach(async () => {
  world = await bootedWorld();
  await world.create("db");
  await world.create("web", { needs: ["db"] });
  for (let life = 0; life < 3; life += 1) {
    await world.exits("web", { code: 3 });
    await world.pass(5_000);
  }
  store = openStore(await diskLog(world.rows));
  onTestFinished(() => store.close());
  questions = new Questions(store);
});

describe("the line of time", () => {
  it.each(["time", "seq"] as const)(
    "by %s has every row once, and counts what stands out",
    async (by) => {
      const { buckets } = await ask<{ buckets: Bucket[] }>("strip", { by, buckets: 7 });
      const sum = (of: (bucket: Bucket) => number): number =>
        buckets.reduce((all, one) => all + of(one), 0);

      expect(buckets).toHaveLength(7);
      expect(sum(({ rows }) => rows)).toBe(world.rows.length);
      expect(sum(({ crashes }) => crashes)).toBe(3);
      expect(sum(({ boots }) => boots)).toBe(1);
      expect(sum(({ starts }) => starts)).toBe(5);
      expect(sum(({ commands }) => commands)).toBe(2);
      for (const [index, { first, last }] of buckets.entries())
        expect(buckets[index + 1]?.first ?? last + 1).toBe(Math.max(first, last + 1));
    },
  );

  it("is that of one service, where one is named", async () => {
    const { buckets } = await ask<{ buckets: Bucket[] }>("strip", {
      by: "seq",
      buckets: 1,
      service: "db",
    });

    expect(buckets).toMatchObject([{ starts: 1, crashes: 0 }]);
  });

  it("of an empty part is empty", async () => {
    expect(await ask("strip", { by: "seq", buckets: 3, from: world.rows.length + 1 })).toEqual({
      by: "seq",
      buckets: [],
    });
  });
});

describe("a jump", () => {
  it("finds the next and the previous of a kind, and says where there is none", async () => {
    const [, second] = rowsOf("process.spawn_requested");
    const jump = (from: number, direction: string, to = "restart") =>
      ask<{ event: { seq: number; text: string } | null }>("jump", { from, direction, to });

    expect((await jump(1, "next")).event).toMatchObject({
      seq: second?.seq,
      text: "a process may be started",
    });
    expect((await jump(second?.seq ?? 0, "next")).event?.seq).toBe(
      rowsOf("process.spawn_requested")[2]?.seq,
    );
    expect((await jump(second?.seq ?? 0, "previous")).event).toBeNull();
    expect((await jump(world.rows.length, "next")).event).toBeNull();
    expect((await jump(world.rows.length, "previous", "boot")).event?.seq).toBe(2);
  });
});

describe("edges", () => {
  it("are counted up to any row, whichever is asked for first", async () => {
    const at = (to: number) =>
      ask<{ edges: { from: string; to: string; count: number }[] }>("edges", {
        service: "web",
        to,
      });
    const crashes = async (to: number): Promise<number> =>
      (await at(to)).edges.find((edge) => edge.from === "running" && edge.to === "crashed")
        ?.count ?? 0;
    const exits = rowsOf("process.exited").map(({ seq }) => seq);

    expect(await crashes(world.rows.length)).toBe(3);
    expect(await crashes(exits[0] ?? 0)).toBe(1);
    expect(await crashes((exits[1] ?? 0) - 1)).toBe(1);
    expect(await crashes(exits[1] ?? 0)).toBe(2);
    expect(await crashes(world.rows.length)).toBe(3);
  });

  it("lead to the events that took them, the newest first, a page at a time", async () => {
    const exits = rowsOf("process.exited").map(({ seq }) => seq);
    const taken = (before?: number) =>
      ask<Told>("taken", { service: "web", from: "running", to: "crashed", before, limit: 2 });

    expect(await taken()).toMatchObject({
      events: [{ seq: exits[2] }, { seq: exits[1] }],
      more: true,
    });
    expect(await taken(exits[1])).toMatchObject({ events: [{ seq: exits[0] }], more: false });
  });

  it("of a service that nobody ever had are refused", async () => {
    await expect(ask("edges", { service: "nobody" })).rejects.toMatchObject({
      code: "service_not_found",
    });
  });
});

describe("causes", () => {
  it("lead from the first one to all that came of it", async () => {
    const [, , last] = rowsOf("process.spawned");
    const { events, focus, truncated } = await ask<Causes>("causes", { seq: last?.seq });
    const known = new Set(events.map(({ id }) => id));

    expect({ focus, truncated }).toEqual({ focus: last?.seq, truncated: false });
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["timer.fired", "process.spawn_requested", "process.spawned"]),
    );
    expect(events.filter(({ cause }) => cause !== null && !known.has(cause))).toEqual([]);
  });

  it("of an event that is not there are refused", async () => {
    await expect(ask("causes", { seq: 9_999 })).rejects.toMatchObject({ code: "not_found" });
  });
});

it("a delay that is over says how long it was, and what it followed", async () => {
  const { events } = await ask<Told>("timeline", {
    service: "web",
    type: "timer.fired",
    limit: 10,
  });
  const [end] = rowsOf("incarnation.emptied");

  expect(events.at(-1)?.text).toBe(
    `the delay before the next try is over: 200ms after event ${end?.seq}, the end of its process`,
  );
});

it("a state names its boot, and is that of the row", async () => {
  expect(await ask("state", { at: "4" })).toMatchObject({
    place: { seq: 4 },
    boot: { number: 1 },
    services: [{ name: "db" }],
  });
});

it("restarts are counted by service and time; who never restarted is left out", async () => {
  const { services } = await ask<{ services: Record<string, number[]> }>("restarts", {
    from_wall: 0,
    buckets: 2,
  });

  expect(Object.keys(services)).toEqual(["web"]);
  expect(services["web"]?.reduce((sum, count) => sum + count, 0)).toBe(3);
});

describe("output around an event", () => {
  /** Lines of each life of `web`, as the log thread writes them; each event says where its life begins. */
  function written(): string {
    const logDir = temporaryDirectory();
    mkdirSync(logDir, { recursive: true });
    const file = currentFile(logDir, "web");
    writeFileSync(file, "");
    return file;
  }

  it("has the lines before it and after it, and says where more are", async () => {
    const file = written();
    const logDir = file.slice(0, file.lastIndexOf("/"));
    const [, second] = rowsOf("process.exited");
    const wall = second?.wall ?? 0;
    for (let index = -500; index < 500; index += 1)
      appendFileSync(file, `${prefixOf(wall + index * 10, "stdout")}line ${index} <b>\u001b[31m\n`);
    const part = await logPart(store, logDir, {
      service: "web",
      around: second?.seq,
      before: 3,
      after: 2,
    });

    expect(part.lines.map(({ text }) => text)).toEqual(
      [-2, -1, 0, 1, 2].map((index) => `line ${index} <b>\u001b[31m`),
    );
    expect(part).toMatchObject({ more_before: true, more_after: true });
  });

  it("at the end, of a service that wrote nothing, and of a directory that is gone, are told apart", async () => {
    const file = written();
    const logDir = file.slice(0, file.lastIndexOf("/"));
    const request = { service: "web", before: 3, after: 3 };
    expect(await logPart(store, logDir, request)).toMatchObject({ lines: [], more_before: false });
    appendFileSync(file, `${prefixOf(5, "stderr")}last\n`);
    expect(await logPart(store, logDir, request)).toMatchObject({
      lines: [{ text: "last", stream: "stderr", wall: 5 }],
    });
    expect(await logPart(store, "/nonexistent", request)).toMatchObject({
      note: "there is no /nonexistent, where its output was written",
    });
  });
});
