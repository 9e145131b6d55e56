import { beforeEach, expect, it } from "vitest";
import { history, type History } from "../../src/offline/history.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, powerCut, report, shutDown, storeOf } from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
});

const wish = (type: string, data: object = {}) => world.wish("service/web", { type, ...data });

const told = async (limit?: number): Promise<History> =>
  history(await storeOf(world), "web", limit);

const inShort = ({ lives }: History): string[] =>
  lives.map(
    ({ number, pid, because, ended, endedBy }) =>
      `${number} ${pid ?? "-"} | ${because} | ${ended ?? "lives"} | ${endedBy ?? ""}`,
  );

it("tells every life: what led to it, how it ended, and what asked for that", async () => {
  await world.create("web");
  await world.exits("web", { code: 3 });
  await world.pass(200);
  await wish("service.restart_requested");
  await world.boot();
  await powerCut(world);
  await shutDown(world);
  await world.boot();
  await report(world, "web", { type: "health.failed", reason: "no answer", failures: 3 });
  await world.pass(200);
  await wish("service.stop_requested");
  await wish("service.start_requested");

  expect(inShort(await told())).toEqual([
    "1 101 | uid 0 created web | exited with code 3 | ",
    "2 102 | the first failure, tried again in 200ms | killed by signal TERM | uid 0 asked to restart web",
    "3 103 | uid 0 asked to restart web | killed by signal TERM | boot after the daemon was killed",
    "4 104 | boot after the daemon was killed | was gone, and how it ended is not known | boot on a new boot of the machine after the daemon was killed",
    "5 105 | boot on a new boot of the machine after the daemon was killed | killed by signal TERM | shutdown by SIGTERM",
    "6 106 | boot after the daemon was shut down | killed by signal TERM | its health check failed 3 times in a row, at last with: no answer",
    "7 107 | the first failure, tried again in 200ms | killed by signal TERM | uid 0 asked to stop web",
    "8 108 | uid 0 asked to start web | lives | ",
  ]);
});

it("has times, how long each ran, and the exit as the kernel gave it", async () => {
  await world.create("web");
  await world.pass(5_000);
  await world.exits("web", { signal: "SEGV" });

  expect((await told()).lives[0]).toMatchObject({
    start: 1_000_000,
    end: 1_005_000,
    ranMs: 5_000,
    exit: { signal: "SEGV" },
    seq: 5,
    endSeq: 7,
    becauseSeq: 4,
  });
});

it("reckons how long one ran by our own clock, whatever the wall clock did", async () => {
  await world.create("web");
  world.clock.stepWall(-3_600_000);
  await world.pass(5_000);
  await world.exits("web", { code: 1 });

  expect((await told()).lives[0]).toMatchObject({ end: 1_005_000 - 3_600_000, ranMs: 5_000 });
});

it("tells a life that no process came of", async () => {
  world.programs["web"] = { spawnFails: "ENOENT" };
  await world.create("web");

  const [life] = (await told()).lives;

  expect(life).toMatchObject({
    ended: "could not be started: cannot: ENOENT (ENOENT)",
    exit: { errno: "ENOENT" },
  });
  expect(life).not.toHaveProperty("start");
});

it("has the wishes of people, and theirs alone", async () => {
  await world.create("web");
  await world.create("app", { needs: ["web"] });
  await world.wish("service/app", { type: "service.stop_requested" });
  await wish("service.stop_requested");
  await world.wish("service/app", { type: "service.start_requested" });
  await wish("service.signal_requested", { signal: "HUP" });

  const { wishes, lives } = await told();

  expect(wishes.map(({ text }) => text)).toEqual([
    "uid 0 created web",
    "uid 0 asked to stop web",
    "uid 0 had web sent HUP",
  ]);
  expect(lives.at(-1)?.because).toBe("web was to be started for it, since app needs web");
});

it("goes on over a delete", async () => {
  await world.create("web");
  await wish("service.delete_requested");
  await world.create("web");

  expect(inShort(await told())).toEqual([
    "1 101 | uid 0 created web | killed by signal TERM | uid 0 asked to delete web",
    "2 102 | uid 0 created web | lives | ",
  ]);
});

it("leaves out older lives, says how many, and keeps the wishes that led to the rest", async () => {
  await world.create("web");
  await wish("service.restart_requested");
  await wish("service.restart_requested");
  await world.exits("web", { code: 1 });

  const { lives, earlier, wishes } = await told(2);

  expect(lives.map(({ number }) => number)).toEqual([2, 3]);
  expect(earlier).toBe(1);
  expect(wishes.map(({ type }) => type)).toEqual([
    "service.restart_requested",
    "service.restart_requested",
  ]);
});
