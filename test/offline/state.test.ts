import { beforeEach, describe, expect, it } from "vitest";
import { stateJson, stateThen, type ServiceThenJson } from "../../src/offline/state.ts";
import type { Store } from "../../src/offline/store.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, powerCut, shutDown, storeOf } from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
});

const NOW = 9_000_000;

const one = (store: Store, service: string, at?: string): ServiceThenJson | undefined =>
  stateJson(stateThen(store, { service, at, now: NOW }))[0];

const phases = (store: Store, at: string): string[] =>
  stateJson(stateThen(store, { at, now: NOW })).map(({ name, state }) => `${name} ${state.phase}`);

/** The row of `web` that led to a state first. */
const seqOf = (toState: string, name = "web"): number =>
  world.rows.find((row) => row.stream === `service/${name}` && row.toState === toState)?.seq ?? 0;

describe("the state of a service at a moment", () => {
  it("is what its rows up to then made of it", async () => {
    await world.create("web", { args: ["1"], env: { KEY: "sv_1" } });
    await world.exits("web", { code: 3 });
    const crashed = seqOf("crashed");
    await world.pass(200);
    const store = await storeOf(world);

    expect(one(store, "web", String(crashed - 1))).toMatchObject({
      name: "web",
      cmd: "web",
      args: ["1"],
      env_names: ["KEY"],
      state: { phase: "running", status: "running", desired: "running", pid: 101, version: 1 },
      as_of: { seq: crashed - 1 },
    });
    expect(one(store, "web", String(crashed))?.state).toMatchObject({
      phase: "crashed",
      status: "starting",
      restart_count: 1,
      last_exit: { code: 3 },
      error: "exited with code 3",
    });
    expect(one(store, "web")?.state).toMatchObject({ phase: "running", pid: 102 });
  });

  it("never has values or references of variables", async () => {
    await world.create("web", { env: { KEY: "sv_secret" } });

    const text = JSON.stringify(one(await storeOf(world), "web"));

    expect(text).toContain("KEY");
    expect(text).not.toContain("sv_secret");
  });

  it("says when the next try was due, by the clock of that time", async () => {
    await world.create("web");
    world.clock.stepWall(3_600_000);
    await world.exits("web", { code: 3 });
    const row = world.rows.findLast(({ stream }) => stream === "service/web");

    const state = one(await storeOf(world), "web")?.state;

    expect(state?.phase).toBe("crashed");
    const due = Date.parse(state?.next_restart_at ?? "");
    expect(due - (row?.wall ?? 0)).toBe(200);
  });

  it("names the needs a service waited for then, not those of today", async () => {
    world.programs["db"] = { spawnFails: "ENOENT" };
    await world.create("db");
    await world.create("app", { needs: ["db"] });
    const waiting = world.rows.length;
    world.programs["db"] = {};
    await world.pass(1_000);
    const store = await storeOf(world);

    expect(one(store, "app", String(waiting))?.state).toMatchObject({
      phase: "pending",
      waiting_for: ["db"],
    });
    expect(one(store, "app")?.state.waiting_for).toBeUndefined();
  });

  it("has the last event that had to do with it", async () => {
    await world.create("web");
    const last = world.rows.findLast(({ stream }) => stream === "service/web");
    await world.create("db");

    expect(one(await storeOf(world), "web")?.last_event).toMatchObject({
      seq: last?.seq,
      type: last?.type,
      actor: "runtime",
    });
  });

  it("tells a quarantined service as it was recorded last", async () => {
    await world.create("web");
    await world.wish("environment/sprite", {
      type: "stream.quarantined",
      stream: "service/web",
      reason: "a test",
    });

    expect(one(await storeOf(world), "web")?.state).toMatchObject({
      phase: "running",
      flags: ["quarantined"],
      error: "quarantined: a test",
    });
  });
});

describe("all services at a moment", () => {
  it("are those that were there, by name", async () => {
    await world.create("web");
    await world.create("app");
    const both = world.rows.length;
    await world.wish("service/web", { type: "service.delete_requested" });
    const store = await storeOf(world);

    expect(phases(store, "3")).toEqual([]);
    expect(phases(store, String(both))).toEqual(["app running", "web running"]);
    expect(phases(store, "now")).toEqual(["app running"]);
  });

  it("are none before the first event", async () => {
    await world.create("web");

    expect(phases(await storeOf(world), "0")).toEqual([]);
    expect(phases(await storeOf(world), "1970-01-01T00:00:01Z")).toEqual([]);
  });

  it("are found by a time: the last event until then counts", async () => {
    await world.create("web");
    await world.pass(10_000);
    await world.exits("web", { code: 1 });
    const store = await storeOf(world);
    const exited = world.rows.find(({ type }) => type === "process.exited");
    const at = (ms: number): string => new Date((exited?.wall ?? 0) + ms).toISOString();

    expect(phases(store, at(-1))).toEqual(["web running"]);
    expect(phases(store, at(0))).toEqual(["web crashed"]);
    expect(stateThen(store, { at: at(0), now: NOW }).place.seq).toBe(
      world.rows.findLast(({ wall }) => wall <= (exited?.wall ?? 0))?.seq,
    );
  });

  it("are found by an event's id", async () => {
    await world.create("web");
    const row = world.rows.find(({ type }) => type === "service.created");

    expect(stateThen(await storeOf(world), { at: row?.id, now: NOW }).place.seq).toBe(row?.seq);
  });
});

describe("a moment at which nobody looked", () => {
  it("is told, where the daemon was killed after it", async () => {
    await world.create("web");
    const last = world.rows.length;
    await powerCut(world);
    const store = await storeOf(world);

    expect(stateThen(store, { at: String(last), now: NOW }).note).toMatch(
      new RegExp(`^the daemon was killed after event ${last}, and the next one began at .*nobody`),
    );
    for (const seq of [last - 1, last + 1, last + 2])
      expect(stateThen(store, { at: String(seq), now: NOW }).note).toBeUndefined();
    expect(stateThen(store, { now: NOW }).note).toBeUndefined();
  });

  it("is none after a shutdown: everything was down", async () => {
    await world.create("web");
    await shutDown(world);
    const last = world.rows.length;
    await world.boot();
    const then = stateThen(await storeOf(world), { at: String(last), now: NOW });

    expect(then.note).toBeUndefined();
    expect(then.sprite).toBe("down");
    expect(then.services[0]?.view).toMatchObject({ phase: "stopped", desired: "running" });
  });
});

describe("a question that has no answer", () => {
  const failing = async (service: string | undefined, at: string): Promise<unknown> => {
    const store = await storeOf(world);
    try {
      return stateThen(store, { service, at, now: NOW });
    } catch (error) {
      return error;
    }
  };

  it("says when a service came and went that was not there then", async () => {
    const born = world.rows.length + 1;
    await world.create("web");
    await world.wish("service/web", { type: "service.delete_requested" });
    const gone = world.rows.findLast(({ toState }) => toState === "deleted")?.seq ?? 0;
    await world.create("app");
    const between = world.rows.length;
    await world.create("web");

    expect(await failing("web", "2")).toMatchObject({
      code: "service_not_found",
      message: expect.stringMatching(
        new RegExp(
          `^service "web" was not there at event 2: it was created by event ${born}, at 19`,
        ),
      ),
    });
    expect(await failing("web", String(between))).toMatchObject({
      message: expect.stringMatching(
        new RegExp(
          `it was deleted by event ${gone}, at .*; it was created again by event ${between + 1}`,
        ),
      ),
    });
  });

  it("guesses the name that was meant", async () => {
    await world.create("web");

    expect(await failing("wbe", "now")).toMatchObject({
      code: "service_not_found",
      message: 'no service named "wbe" is in the event log: did you mean web?',
    });
  });

  it("refuses what is yet to come, by number and by time", async () => {
    const last = world.rows.length;

    expect(await failing(undefined, String(last + 1))).toMatchObject({
      code: "invalid_request",
      message: `--at is event ${last + 1}, and the log ends at event ${last}`,
    });
    expect(await failing(undefined, "2099-01-01T00:00:00Z")).toMatchObject({
      code: "invalid_request",
      message: "--at is 2099-01-01T00:00:00.000Z, which is yet to come",
    });
  });

  it("refuses an id that no event has", async () => {
    expect(await failing(undefined, "ev_none")).toMatchObject({
      code: "not_found",
      message: "--at is ev_none, and no event of the log has that id",
    });
  });
});
