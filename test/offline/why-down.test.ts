import { dirname } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ENVIRONMENT } from "../../src/runtime/group.ts";
import { bareDatabase } from "../journal/fixture.ts";
import type { World } from "../support/world.ts";
import {
  bootedWorld,
  chainOf,
  diskLog,
  opened,
  report,
  shutDown,
  storeOf,
  told,
} from "./fixture.ts";
import { why } from "../../src/offline/why.ts";

let world: World;
beforeEach(async () => {
  world = await bootedWorld();
});

const wish = (type: string, data: object = {}) => world.wish("service/web", { type, ...data });

describe("why of a service that does not run", () => {
  it("tells who stopped it, when, and how it ended", async () => {
    await world.create("web");
    await world.pass(1_000);
    await wish("service.stop_requested");
    await world.pass(5_000);

    const answer = await told(world);

    expect(answer.headline).toEqual([
      "web is stopped since 1970-01-01T00:16:41.000Z (5s): uid 0 asked for it. It stays so until somebody starts it: sprite-env services start web",
    ]);
    expect(chainOf(answer)).toEqual([
      "service.stop_requested: uid 0 asked to stop web",
      "process.exited: its process 101 was killed by signal TERM after 1s",
    ]);
  });

  it("tells that it would not end gently", async () => {
    world.programs["web"] = { stubborn: true };
    await world.create("web");
    await wish("service.stop_requested");
    expect((await told(world)).headline).toEqual([
      "web is being stopped since 1970-01-01T00:16:40.000Z (0s).",
    ]);
    await world.pass(10_000);

    expect(chainOf(await told(world)).slice(1)).toEqual([
      "process.kill_sent: its time to end was over, and everything of it got KILL",
      "process.exited: its process 101 was killed by signal KILL after 10s",
    ]);
  });

  it("tells that its stop command failed", async () => {
    world.programs["web"] = { stubborn: true };
    await world.create("web");
    await wish("service.stop_requested");
    const reason = "`pg_ctl` exited with code 1";
    await report(world, "web", { type: "process.stop_command_failed", reason });
    await world.pass(10_000);

    expect(chainOf(await told(world))[1]).toBe(
      `process.stop_command_failed: its stop command failed, and it got its signal: ${reason}`,
    );
  });

  it("tells that it outlives KILL", async () => {
    world.programs["web"] = { immortal: true };
    await world.create("web");
    await wish("service.restart_requested");

    const answer = await told(world);

    expect(answer.headline).toEqual([
      "web is being ended since 1970-01-01T00:16:40.000Z (0s), and starts again then.",
      "Process 101 of it survives KILL: nothing new starts until it is gone.",
    ]);
    expect(chainOf(answer)).toEqual([
      "service.restart_requested: uid 0 asked to restart web",
      "process.unkillable: process 101 of it outlived KILL",
    ]);
  });

  it("tells a stop while it waited after a crash", async () => {
    await world.create("web");
    await world.exits("web", { code: 7 });
    await wish("service.stop_requested");

    expect(chainOf(await told(world))).toEqual([
      "process.exited: its process 101 exited with code 7 after 0s, and nobody had asked for that",
      "process.exited: that was the first failure, so the next try was to follow after 200ms (jitter drew 0.5)",
      "service.stop_requested: uid 0 asked to stop web",
    ]);
  });

  it("tells when the next try is due", async () => {
    await world.create("web");
    await world.exits("web", { code: 1 });
    await world.pass(50);

    expect((await told(world)).headline[0]).toBe(
      "web is down since 1970-01-01T00:16:40.000Z (50ms), and tried again at 1970-01-01T00:16:40.200Z (in 150ms).",
    );
  });

  it("tells a spawn error by its errno and text", async () => {
    world.programs["web"] = { spawnFails: "ENOENT" };
    await world.create("web");

    expect(chainOf(await told(world))).toEqual([
      "process.spawn_failed: its process could not be started: cannot: ENOENT (ENOENT)",
      "process.spawn_failed: that was the first failure, so the next try was to follow after 200ms (jitter drew 0.5)",
    ]);
  });

  it("tells which need it waits for, and how that is", async () => {
    world.programs["postgres"] = { spawnFails: "EACCES" };
    await world.create("postgres");
    await world.create("web", { needs: ["postgres"] });

    expect((await told(world)).headline).toEqual([
      "web should run, and waits for postgres, which is crashed (see: sprite-env why postgres).",
    ]);
  });

  it("tells which process nothing proves ours, and what to do about it", async () => {
    await world.create("web");
    world.found = () => ({ kind: "unproven", pid: 77 });
    await world.boot();

    const answer = await told(world);

    expect(answer.headline[0]).toMatch(
      /^web should run, and waits until process 77 ends: .*\(kill 77\)\.$/,
    );
    expect(chainOf(answer)).toContain(
      "environment.booted: it found process 77, which nothing proves ours, and left it alone",
    );
  });

  it.each([
    [{ restart: "never" }, "its restart policy is never"],
    [
      { maxFailures: 1, windowMs: 90_000 },
      "it failed once within 1m30s, and its max_failures allows no more",
    ],
  ])("tells why no retry comes under %j", async (policy, because) => {
    await world.create("web", policy);
    await world.exits("web", { code: 9 });

    const answer = await told(world);

    expect(answer.headline[0]).toContain(because);
    expect(chainOf(answer)).toEqual([
      "process.exited: its process 101 exited with code 9 after 0s, and nobody had asked for that",
    ]);
  });

  it("tells that trying again cannot help", async () => {
    world.programs["web"] = { spawnFails: "EKEYREVOKED" };
    await world.create("web");
    const rows = world.rows.map((row) =>
      row.type === "process.spawn_failed"
        ? {
            ...row,
            toState: "failed",
            data: { ...row.data, error: { errno: "EKEY", message: "no key", permanent: true } },
          }
        : row,
    );
    const store = opened(await diskLog(rows));

    const answer = why(store, "web", { now: world.clock.wall(), daemon: true });

    expect(answer.headline[0]).toBe(
      "web has failed, and is not tried again: trying again cannot help. Start it with: sprite-env services start web",
    );
    expect(chainOf(answer)).toEqual([
      "process.spawn_failed: its process could not be started: no key (EKEY)",
    ]);
  });

  it("tells work that is done", async () => {
    await world.create("web", { oneshot: true });
    await world.exits("web", { code: 0 });

    expect((await told(world)).headline[0]).toBe(
      "web has done its work since 1970-01-01T00:16:40.000Z (0s): its process exited with code 0, which counts as success. It starts again with the next boot of the machine.",
    );
  });

  it("tells a shutdown, and that no daemon looks after it now", async () => {
    await world.create("web");
    await shutDown(world);

    const answer = await told(world, "web", false);

    expect(answer.headline).toEqual([
      "web is stopped since 1970-01-01T00:16:40.000Z (0s), because its daemon was shut down; the next daemon starts it again.",
      "No daemon answers (the last one was shut down): this is what was recorded last.",
    ]);
  });

  it("says that a daemon was killed where the log ends in the midst of its work", async () => {
    await world.create("web");

    expect((await told(world, "web", false)).headline.at(-1)).toBe(
      "No daemon answers (the last one was killed, or listens elsewhere): this is what was recorded last.",
    );
  });

  it("tells who deleted it, and that its log is kept", async () => {
    await world.create("web");
    await wish("service.delete_requested");

    const answer = await told(world);

    expect(answer.phase).toBe("deleted");
    expect(answer.headline).toEqual([
      "There is no service web any more: uid 0 deleted it at 1970-01-01T00:16:40.000Z. Its log file is kept.",
    ]);
    expect(chainOf(answer)).toEqual([
      "service.delete_requested: uid 0 asked to delete web",
      "process.exited: its process 101 was killed by signal TERM after 0s",
    ]);
  });

  it("tells the second life of a name alone", async () => {
    await world.create("web");
    await wish("service.delete_requested");
    await world.create("web");

    const answer = await told(world);

    expect(chainOf(answer)[0]).toBe("service.created: uid 0 created web");
    expect(answer.steps[0]?.row.data["version"]).toBe(2);
  });

  it("tells why it is quarantined, and by whom it was given up", async () => {
    await world.create("web");
    const reason = "event 6: other states are recorded";
    await world.wish(ENVIRONMENT, { type: "stream.quarantined", stream: "service/web", reason });

    const answer = await told(world);

    expect(answer.quarantined).toBe(true);
    expect(answer.headline[0]).toMatch(
      /^web is quarantined: .* it was running when that was found\. Only delete is accepted\.$/,
    );
    expect(chainOf(answer)).toEqual([`stream.quarantined: it was quarantined: ${reason}`]);

    await world.wish(ENVIRONMENT, { type: "stream.retired", stream: "service/web", version: 3 });

    expect(chainOf(await told(world)).at(-1)).toBe(
      "stream.retired: uid 0 deleted it while it was quarantined",
    );
  });

  it("refuses a name that the log does not know, and says which was meant", async () => {
    await world.create("web");

    await expect(told(world, "wob")).rejects.toMatchObject({
      code: "service_not_found",
      message: 'no service named "wob" is in the event log: did you mean web?',
    });
  });
});

describe("why without a read model", () => {
  it("folds the log instead", async () => {
    await world.create("postgres");
    await world.create("web", { needs: ["postgres"] });
    await world.exits("web", { code: 1 });
    await report(world, "postgres", { type: "health.changed", ok: false, reason: "slow" });
    const store = await storeOf(world);
    const request = { now: world.clock.wall(), daemon: true };
    const names = ["web", "postgres"];
    const before = names.map((name) => why(store, name, request));
    bareDatabase(dirname(store.file)).exec("UPDATE projection_heads SET stale = 'a bug'");

    expect(names.map((name) => why(store, name, request))).toEqual(before);
    expect(before[1]?.headline).toContain("Its health check fails at present: slow.");
  });
});
