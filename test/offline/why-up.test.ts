import { beforeEach, describe, expect, it } from "vitest";
import type { World } from "../support/world.ts";
import {
  bootedWorld,
  chainOf,
  diskLog,
  opened,
  powerCut,
  report,
  shutDown,
  told,
} from "./fixture.ts";
import { why } from "../../src/offline/why.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
});

const wish = (type: string, data: object = {}) => world.wish("service/web", { type, ...data });

describe("why of a service that runs", () => {
  it("names who created it", async () => {
    await world.create("web");
    await world.pass(3_000);

    const answer = await told(world);

    expect(answer.headline).toEqual([
      "web runs since 1970-01-01T00:16:40.000Z (3s), as process 101.",
    ]);
    expect(chainOf(answer)).toEqual([
      "service.created: uid 0 created web",
      "process.spawn_requested: a new process was asked for",
      "process.spawned: it runs as process 101",
    ]);
    expect(answer.steps.map(({ row }) => row.seq)).toEqual([4, 5, 6]);
  });

  it("tells a crash: the exit as the kernel gave it, which failure, the delay and its draw", async () => {
    await world.create("web");
    await world.pass(5_000);
    await world.exits("web", { code: 3 });
    await world.pass(200);
    await world.exits("web", { signal: "SEGV" });
    await world.pass(400);

    const answer = await told(world);

    expect(chainOf(answer)).toEqual([
      "process.exited: its process 102 was killed by signal SEGV after 0s, and nobody had asked for that",
      "process.exited: that was failure 2 in a row, so the next try was to follow after 400ms (jitter drew 0.5)",
      "timer.fired: that delay was over",
      "process.spawn_requested: a new process was asked for",
      "process.spawned: it runs as process 103",
    ]);
    expect(answer.life?.number).toBe(2);
  });

  it("tells what jitter made of a delay", async () => {
    await world.create("web");
    await world.exits("web", { code: 3 });
    const rows = world.rows.map((row) =>
      row.type === "process.exited" ? { ...row, data: { ...row.data, jitter: 0.75 } } : row,
    );
    const store = opened(await diskLog(rows));

    const answer = why(store, "web", { now: world.clock.wall(), daemon: true });

    expect(chainOf(answer)[1]).toBe(
      "process.exited: that was the first failure, so the next try was to follow after 220ms: 200ms, and 10 % more, since jitter drew 0.75",
    );
  });

  it("tells a crash loop, and that its delay is at its longest", async () => {
    await world.create("web", { backoff: { firstMs: 1_000, maxMs: 4_000 } });
    for (let crash = 0; crash < 6; crash += 1) {
      await world.exits("web", { code: 1 });
      await world.pass(4_000);
    }

    const answer = await told(world);

    expect(answer.headline).toContain(
      "It is crash-looping: it failed 5 times or more within 1m0s.",
    );
    expect(chainOf(answer)[1]).toBe(
      "process.exited: that was failure 6 in a row, so the next try was to follow after 4s, the longest of its backoff (jitter drew 0.5)",
    );
  });

  it("tells the pause of a crash-looping service without a delay", async () => {
    await world.create("web", { backoff: { firstMs: 0 } });
    for (let crash = 0; crash < 5; crash += 1) await world.exits("web", { code: 1 });

    const answer = await told(world);

    expect(chainOf(answer)[1]).toContain("after 100ms, the least for a crash-looping service");
  });

  it("tells who had it sent the signal that killed it", async () => {
    await world.create("web");
    await wish("service.signal_requested", { signal: "TERM" });
    await world.exits("web", { signal: "TERM" });
    await world.pass(200);

    expect(chainOf(await told(world)).slice(0, 2)).toEqual([
      "service.signal_requested: uid 0 had web sent TERM",
      "process.exited: its process 101 was killed by signal TERM after 0s",
    ]);
  });

  it("does not blame a signal of long ago", async () => {
    await world.create("web");
    await wish("service.signal_requested", { signal: "HUP" });
    await world.pass(60_000);
    await world.exits("web", { code: 1 });

    expect(chainOf(await told(world))[0]).toBe(
      "process.exited: its process 101 exited with code 1 after 1m0s, and nobody had asked for that",
    );
  });

  it("tells a restart from the wish to the new process", async () => {
    await world.create("web");
    await wish("service.restart_requested");

    expect(chainOf(await told(world))).toEqual([
      "service.restart_requested: uid 0 asked to restart web",
      "process.exited: its process 101 was killed by signal TERM after 0s",
      "incarnation.emptied: nothing of it was left",
      "process.spawn_requested: a new process was asked for",
      "process.spawned: it runs as process 102",
    ]);
  });

  it("tells a changed definition", async () => {
    await world.create("web");
    const definition = { cmd: "web", args: ["-v"] };
    await wish("service.changed", { definition, version: 2, start: true });

    expect(chainOf(await told(world))[0]).toBe(
      "service.changed: uid 0 changed the definition of web to version 2",
    );
  });

  it("tells that it was started as a need, and of whose wish", async () => {
    await world.create("web");
    await world.create("app", { needs: ["web"] });
    await world.create("top", { needs: ["app"] });
    for (const name of ["top", "app", "web"])
      await world.wish(`service/${name}`, { type: "service.stop_requested" });
    const [asked] = await world.wish("service/top", { type: "service.start_requested" });

    const answer = await told(world);

    expect(chainOf(answer).slice(0, 3)).toEqual([
      "service.start_requested: uid 0 asked to start top",
      "service.start_requested: app was to be started for it, since top needs app",
      "service.start_requested: web was to be started for it, since app needs web",
    ]);
    expect(answer.steps[0]?.row.seq).toBe(asked?.seq);
    expect(chainOf(await told(world, "top"))[1]).toBe(
      "process.spawned: it had waited for app, which came up",
    );
  });

  it("tells failed health: what failed, the end, the delay", async () => {
    await world.create("web");
    await report(world, "web", { type: "health.failed", reason: "GET / gave 500", failures: 3 });
    await world.pass(200);

    expect(chainOf(await told(world)).slice(0, 4)).toEqual([
      "health.failed: its health check failed 3 times in a row, at last with: GET / gave 500",
      "process.exited: its process 101 was killed by signal TERM after 0s",
      "incarnation.emptied: that was the first failure, so the next try was to follow after 200ms (jitter drew 0.5)",
      "timer.fired: that delay was over",
    ]);
  });

  it("tells that it did not get ready in time", async () => {
    const ready = { kind: "tcp", port: 1 };
    await world.create("web", { ready, readyTimeoutMs: 90_000 });
    await world.pass(90_200);

    const answer = await told(world);

    expect(answer.headline[0]).toMatch(
      /^web is starting since .*, as process 102, and is not ready yet\.$/,
    );
    expect(chainOf(answer)[0]).toBe("timer.fired: it was not ready within 1m30s");
  });

  it("tells why it is not ready, and why it was not in the life before", async () => {
    const ready = { kind: "tcp", port: 1 };
    await world.create("web", { ready, readyTimeoutMs: 90_000 });
    const reason = "connecting to localhost:1: Connection refused";
    await report(world, "web", { type: "readiness.failed", reason });
    expect((await told(world)).headline[0]).toMatch(/is not ready yet: connecting .* refused\.$/);
    await world.pass(90_200);

    expect(chainOf(await told(world)).slice(0, 2)).toEqual([
      `readiness.failed: it was not ready: ${reason}`,
      "timer.fired: it was not ready within 1m30s",
    ]);
  });

  it("shows no terminal's commands out of what a probe said", async () => {
    await world.create("web");
    const reason = "\u001b[2Jgone\nline";
    await report(world, "web", { type: "health.failed", reason, failures: 3 });

    expect(chainOf(await told(world))[0]).toMatch(/: [ [\]2J]*gone line$/);
  });
});

describe("why of a service after a boot", () => {
  it("tells a killed daemon and the process that was fenced", async () => {
    await world.create("web");
    await world.boot();

    expect(chainOf(await told(world))).toEqual([
      "environment.booted: a daemon began; the one before it had been killed",
      "environment.booted: it found process 101 of the earlier life, proved it ours and ended it",
      "process.exited: its process 101 was killed by signal TERM after 0s",
      "incarnation.emptied: nothing of it was left",
      "process.spawn_requested: a new process was asked for",
      "process.spawned: it runs as process 102",
    ]);
  });

  it("tells a lost process, and does not guess how it ended", async () => {
    await world.create("web");
    await powerCut(world);

    expect(chainOf(await told(world)).slice(0, 3)).toEqual([
      "environment.booted: a daemon began, on a new boot of the machine; the one before it had been killed",
      "environment.booted: it found nothing of the earlier life",
      "process.lost: its process 101 was gone, and how it ended is not known",
    ]);
  });

  it("tells a clean shutdown by its signal, and the start after it", async () => {
    await world.create("web");
    await shutDown(world);
    await world.boot();

    expect(chainOf(await told(world))).toEqual([
      "environment.drain_requested: the daemon was told to end, by SIGTERM",
      "service.drain_requested: so it was to end, too, and to come back with the next daemon",
      "process.exited: its process 101 was killed by signal TERM after 0s",
      "environment.booted: a daemon began; the one before it had been shut down",
      "environment.booted: so it was to be started again",
      "process.spawn_requested: a new process was asked for",
      "process.spawned: it runs as process 102",
    ]);
  });

  it("tells the shutdown's signal of a service that ended late in it", async () => {
    await world.create("web");
    await world.create("app", { needs: ["web"] });
    await shutDown(world);
    await world.boot();

    expect(chainOf(await told(world))[0]).toBe(
      "environment.drain_requested: the daemon was told to end, by SIGTERM",
    );
  });

  it("tells a daemon that was killed while it shut down", async () => {
    world.programs["web"] = { stubborn: true };
    await world.create("web");
    await shutDown(world);
    await powerCut(world);

    expect(chainOf(await told(world))).toContain(
      "environment.booted: a daemon began, on a new boot of the machine; the one before it had been killed while it shut down",
    );
  });
});
