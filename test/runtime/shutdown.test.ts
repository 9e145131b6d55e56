import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shutdown, type Shutdown } from "../../src/runtime/shutdown.ts";
import { World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.boot();
});
afterEach(() => world.assertFoldIsLive());

const end = (deadlineMs = 30_000): Shutdown =>
  shutdown(world.dispatcher, world.runner, { reason: "TERM", deadlineMs, later: world.later });

const stopped = (): string[] =>
  world.rows
    .filter(({ type }) => type === "process.exited")
    .map(({ stream }) => stream.slice("service/".length));

describe("a shutdown", () => {
  it("stops what needs before what is needed, and independent arms together", async () => {
    await world.create("postgres");
    await world.create("cache");
    await world.create("app", { needs: ["postgres", "cache"] });
    await world.create("front", { needs: ["app"] });
    const { finished } = end();
    await world.settle();
    expect(await finished).toEqual([]);
    expect(stopped().slice(0, 2)).toEqual(["front", "app"]);
    expect(stopped().slice(2).toSorted()).toEqual(["cache", "postgres"]);
    expect(world.dispatcher.view.environment()?.phase).toBe("down");
    world.assertFoldIsLive();
  });

  it("leaves what is wished as it was: the next boot starts it again", async () => {
    await world.create("web");
    await world.create("still");
    await world.wish("service/still", { type: "service.stop_requested" });
    const { finished } = end();
    await world.settle();
    await finished;
    await world.boot();
    expect(world.phase("web")).toBe("running");
    expect(world.phase("still")).toBe("stopped");
    world.assertFoldIsLive();
  });

  it("starts nothing any more, not what crashed a moment ago either", async () => {
    await world.create("web");
    await world.exits("web", { code: 1 });
    const { finished } = end();
    await world.settle();
    await finished;
    await world.pass(60_000);
    expect(world.phase("web")).toBe("stopped");
    expect(world.spawned).toEqual(["web"]);
  });

  it("gives KILL at its deadline to what does not end", async () => {
    world.programs["stubborn"] = { stubborn: true };
    await world.create("stubborn", { stopTimeoutMs: 600_000 });
    const { finished } = end(5_000);
    await world.settle();
    await world.pass(5_000);
    expect(await finished).toEqual([]);
    expect(world.rows.map(({ type }) => type)).toContain("process.kill_sent");
    expect(world.alive("stubborn")).toBe(0);
  });

  it("hurries when it is told so", async () => {
    world.programs["stubborn"] = { stubborn: true };
    await world.create("stubborn");
    const ending = end();
    await world.settle();
    expect(world.alive("stubborn")).toBe(1);
    ending.hurry();
    await world.settle();
    await world.pass(100);
    expect(await ending.finished).toEqual([]);
    expect(world.alive("stubborn")).toBe(0);
  });

  it("ends within its time and names what it could not end", async () => {
    world.programs["immortal"] = { immortal: true };
    await world.create("immortal");
    const { finished } = end(5_000);
    await world.settle();
    await world.pass(10_000);
    expect(await finished).toEqual(["immortal"]);
    expect(world.rows.at(-1)).toMatchObject({
      type: "environment.drained",
      data: { left: ["immortal"] },
    });
  });
});
