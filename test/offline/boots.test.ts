import { beforeEach, describe, expect, it } from "vitest";
import { bootDiff, type BootStory, bootStory } from "../../src/offline/boot-story.ts";
import type { BootService } from "../../src/offline/boot-services.ts";
import { bootJson, bootNamed, bootsOf, bootEndInWords, endOf } from "../../src/offline/boots.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, powerCut, shutDown, storeOf } from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
});

const boots = async () => bootsOf((await storeOf(world)).reader);

const story = async (named?: string): Promise<BootStory> =>
  bootStory((await storeOf(world)).reader, named);

const of = ({ services }: BootStory, name: string): BootService => {
  const found = services.find((one) => one.name === name);
  if (!found) throw new Error(`${name} is not told`);
  return found;
};

/** A daemon that was killed alone: what it ran lives on. */
const daemonKilled = (): Promise<void> => world.boot();

describe("the lives of the daemon", () => {
  it("are told with how each ended", async () => {
    await shutDown(world);
    await world.boot();
    await powerCut(world);

    const ends = (await boots()).map((boot) => bootEndInWords(boot, true));

    expect(ends).toEqual(["shut down by SIGTERM", "killed", "runs"]);
  });

  it("tell one that was killed while it shut down", async () => {
    world.programs["web"] = { immortal: true };
    await world.create("web");
    await world.wish("environment/sprite", {
      type: "environment.drain_requested",
      reason: "SIGTERM",
      deadlineMs: 10_000,
    });
    await powerCut(world);

    const [first] = await boots();

    expect(first && bootEndInWords(first, true)).toBe("killed while it shut down");
  });

  it("know when a killed one was seen last, and when the next one came", async () => {
    await world.create("web");
    const last = world.rows.at(-1);
    await world.pass(60_000);
    await powerCut(world);

    const [first, second] = await boots();

    expect(first && endOf(first)).toEqual({
      kind: "killed",
      draining: false,
      after: first?.last.wall,
      before: second?.booted.wall,
    });
    expect(first?.last.seq).toBeGreaterThanOrEqual(last?.seq ?? Infinity);
  });

  it("say that no daemon answers where the newest has no end", async () => {
    const [only] = await boots();

    expect(only && bootEndInWords(only, false)).toBe(
      "no daemon answers: killed, or it listens elsewhere",
    );
    expect(only && bootJson(only, false)).toMatchObject({
      boot: 1,
      id: "bt_1",
      release: "0.0.0",
      pid: 1,
      ready_ms: 0,
      end: { kind: "open" },
    });
  });

  it("know a machine that booted anew", async () => {
    await daemonKilled();
    await powerCut(world);

    expect((await boots()).map(({ newMachine }) => newMachine)).toEqual([undefined, false, true]);
  });

  it("are named by number, back from the newest, or by id", async () => {
    await world.boot();
    await world.boot();
    const all = await boots();
    const number = (text?: string) => bootNamed(all, text).number;

    expect([number(), number("0"), number("-1"), number("-2")]).toEqual([3, 3, 2, 1]);
    expect([number("1"), number("3"), number("bt_2")]).toEqual([1, 3, 2]);
    expect(() => number("4")).toThrow("there is no boot 4: there are 1 to 3, which are -2 to 0");
    expect(() => number("-3")).toThrow("there is no boot -3");
    expect(() => number("bt_9")).toThrow(expect.objectContaining({ code: "not_found" }));
    expect(() => number("last")).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});

describe("what a boot made of a service", () => {
  it("is a start, where a shutdown had stopped it", async () => {
    await world.create("web");
    await shutDown(world);
    await world.boot();

    expect(of(await story(), "web")).toMatchObject({
      phase: "stopped",
      decision: "start",
      found: "none",
      why: ["it should run: the shutdown before had stopped it"],
      askedMs: 0,
      spawnedMs: 0,
      upMs: 0,
      pid: 102,
    });
  });

  it("is a start after its old process was ended, where the daemon was killed", async () => {
    await world.create("web");
    await daemonKilled();

    expect(of(await story(), "web")).toMatchObject({
      phase: "running",
      decision: "start",
      found: "proven",
      why: [
        "process 101 of its earlier life was found, proved ours and ended first",
        "it should run, and was running when the daemon before was killed",
      ],
    });
  });

  it("is waiting beside a process that nothing proves ours", async () => {
    await world.create("web");
    world.found = () => ({ kind: "unproven", pid: 4711 });
    await daemonKilled();

    expect(of(await story(), "web")).toMatchObject({
      decision: "wait",
      found: "unproven",
      waitsFor: ["process 4711"],
    });
    expect(of(await story(), "web").upMs).toBeUndefined();
  });

  it("is none for what somebody stopped, and says who and when", async () => {
    await world.create("web");
    const [stop] = await world.wish("service/web", { type: "service.stop_requested" });
    await powerCut(world);

    const web = of(await story(), "web");

    expect(web.decision).toBe("leave");
    expect(web.why).toEqual([
      `it should be stopped: uid 0 asked to stop web (event ${stop?.seq}, ${new Date(stop?.wall ?? 0).toISOString()})`,
    ]);
  });

  it("is none for what ended by its policy, until the machine boots anew", async () => {
    await world.create("once", { oneshot: true });
    await world.create("never", { restart: "never" });
    await world.exits("once", { code: 0 });
    await world.exits("never", { code: 7 });
    await daemonKilled();
    const same = await story();
    await powerCut(world);
    const anew = await story();

    expect(of(same, "once")).toMatchObject({
      decision: "leave",
      why: [
        "it had ended well (a oneshot), and the machine has not booted since, so it stays down until somebody starts it",
      ],
    });
    expect(of(same, "never").why[0]).toMatch(
      /^it had failed \(restart: never; exited with code 7\), and the machine has not booted since/,
    );
    expect(of(anew, "once")).toMatchObject({
      decision: "start",
      why: ["it had ended well, and should run again since the machine has booted anew"],
    });
    expect(of(anew, "never")).toMatchObject({
      decision: "start",
      why: ["it had failed, and is tried again since the machine has booted anew"],
    });
  });

  it("is the rest of its delay for what waited for its next try", async () => {
    await world.create("web", { backoff: { firstMs: 10_000 } });
    await world.exits("web", { code: 1 });
    await daemonKilled();
    const waiting = of(await story(), "web");
    await world.pass(12_000);
    const started = of(await story(), "web");

    expect(waiting).toMatchObject({
      phase: "crashed",
      decision: "wait",
      why: ["it waits for what remains of the delay before its next try"],
    });
    expect(started).toMatchObject({ decision: "start", askedMs: 10_000 });
  });

  it("is none for a quarantined one", async () => {
    await world.create("web");
    const reason = "a test";
    await world.wish("environment/sprite", {
      type: "stream.quarantined",
      stream: "service/web",
      reason,
    });
    await daemonKilled();

    expect(of(await story(), "web")).toMatchObject({
      decision: "leave",
      why: ["it is quarantined: a test"],
    });
  });

  it("tells a start that failed", async () => {
    await world.create("web");
    await shutDown(world);
    world.programs["web"] = { spawnFails: "ENOENT" };
    await world.boot();

    expect(of(await story(), "web")).toMatchObject({
      decision: "start",
      failed: "could not be started: cannot: ENOENT (ENOENT)",
    });
  });

  it("is not mixed up with what a person did later in that boot", async () => {
    await world.create("web");
    await world.wish("service/web", { type: "service.stop_requested" });
    await powerCut(world);
    const [start] = await world.wish("service/web", { type: "service.start_requested" });

    const web = of(await story(), "web");

    expect(web).toMatchObject({ decision: "leave" });
    expect(web.upMs).toBeUndefined();
    expect(web.why.at(-1)).toBe(`then uid 0 asked to start web (event ${start?.seq})`);
  });

  it("is told of the boot that is asked for", async () => {
    await world.create("web");
    await shutDown(world);
    await world.boot();
    await world.create("app");

    expect((await story("1")).services).toEqual([]);
    expect((await story("2")).services.map(({ name }) => name)).toEqual(["web"]);
  });
});

describe("the critical chain of a boot", () => {
  it("goes from the last one that came up to the first, by what each waited for", async () => {
    const ready = { kind: "notify" };
    await world.create("db", { ready });
    await world.create("cache", { ready });
    await world.create("api", { needs: ["db", "cache"], ready });
    await world.create("web", { needs: ["api"] });
    await world.create("aside");
    const isReady = async (name: string): Promise<void> => {
      const incarnation = world.dispatcher.view.service(name)?.context.open?.id ?? "";
      world.dispatcher.report(`service/${name}`, [{ type: "readiness.reached", incarnation }]);
      await world.settle();
    };
    for (const name of ["db", "cache", "api"]) await isReady(name);
    await shutDown(world);
    await world.boot();
    await world.pass(300);
    await isReady("cache");
    await world.pass(500);
    await isReady("db");
    await world.pass(100);
    await isReady("api");

    const { chain, services } = await story();

    expect(chain).toEqual([
      { name: "web", upMs: 900, tookMs: 0, heldBy: { name: "api", kind: "need" } },
      { name: "api", upMs: 900, tookMs: 100, heldBy: { name: "db", kind: "need" } },
      { name: "db", upMs: 800, tookMs: 800 },
    ]);
    expect(services.map(({ name }) => name)).toEqual(["aside", "cache", "db", "api", "web"]);
  });

  it("goes through a oneshot that what needs it waited for", async () => {
    await world.create("migrate", { oneshot: true });
    await world.create("web", { needs: ["migrate"] });
    await world.exits("migrate", { code: 0 });
    await powerCut(world);
    await world.pass(400);
    await world.exits("migrate", { code: 0 });

    expect((await story()).chain).toEqual([
      { name: "web", upMs: 400, tookMs: 0, heldBy: { name: "migrate", kind: "need" } },
      { name: "migrate", upMs: 400, tookMs: 400 },
    ]);
  });

  it("is empty where nothing came up", async () => {
    expect((await story()).chain).toEqual([]);
  });
});

describe("the difference between two boots", () => {
  const diff = async (from?: string, to?: string) =>
    bootDiff((await storeOf(world)).reader, from, to);

  it("is what became of services, and the facts of the boot", async () => {
    await world.create("web");
    await shutDown(world);
    await world.boot();
    await world.create("app");
    await shutDown(world);
    world.programs["web"] = { spawnFails: "ENOENT" };
    world.machineBoot = "kernel-2";
    await world.boot();

    const { from, to, differences } = await diff();

    expect([from.number, to.number]).toEqual([2, 3]);
    expect(differences).toEqual([
      { fact: "machine boot", before: "kernel-1", after: "kernel-2" },
      {
        fact: "service",
        service: "app",
        after: { decision: "start", result: "up", version: 1, upMs: 0 },
      },
      {
        fact: "service",
        service: "web",
        before: { decision: "start", result: "up", version: 1, upMs: 0 },
        after: { decision: "start", result: "failed", version: 1 },
      },
    ]);
  });

  it("is a service that took much longer, and not one that took a little longer", async () => {
    await world.create("web", { ready: { kind: "notify" } });
    const isReady = async (afterMs: number): Promise<void> => {
      await world.pass(afterMs);
      const incarnation = world.dispatcher.view.service("web")?.context.open?.id ?? "";
      world.dispatcher.report("service/web", [{ type: "readiness.reached", incarnation }]);
      await world.settle();
      await shutDown(world);
      await world.boot();
    };
    await isReady(0);
    await isReady(500);
    await isReady(550);
    await isReady(900);

    expect((await diff("2", "3")).differences).toEqual([]);
    expect((await diff("3", "4")).differences).toMatchObject([
      { service: "web", before: { upMs: 550 }, after: { upMs: 900 } },
    ]);
  });

  it("is refused for a boot and itself", async () => {
    await expect(diff("0", "1")).rejects.toMatchObject({ code: "invalid_request" });
    await expect(diff()).rejects.toMatchObject({ code: "not_found" });
  });
});
