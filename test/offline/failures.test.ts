import { expect, it } from "vitest";
import type { ServiceContext } from "../../machines/service-context.ts";
import { FailureCount } from "../../src/offline/failures.ts";
import { Fold } from "../../src/runtime/replay.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, powerCut, report, shutDown } from "./fixture.ts";

/** Everything that makes a count begin anew, or go on. */
async function troubled(): Promise<World> {
  const world = await bootedWorld();
  const wish = (type: string, data: object = {}) => world.wish("service/web", { type, ...data });
  const crash = async (): Promise<void> => {
    await world.exits("web", { code: 1 });
    await world.pass(60_000);
  };
  await world.create("web", { backoff: { firstMs: 50, resetAfterMs: 70_000 } });
  for (let count = 0; count < 3; count += 1) await crash();
  await world.pass(80_000);
  await crash();
  await wish("service.start_requested");
  for (let count = 0; count < 6; count += 1) {
    await world.exits("web", { signal: "SEGV" });
    await world.pass(2_000);
  }
  await wish("service.restart_requested");
  await report(world, "web", { type: "health.failed", reason: "no", failures: 3 });
  await world.pass(1_000);
  const definition = { cmd: "web", backoff: { firstMs: 1_000, jitter: 0 } };
  await wish("service.changed", { definition, version: 2, start: true });
  world.programs["web"] = { spawnFails: "EAGAIN" };
  await crash();
  world.programs["web"] = {};
  await world.pass(60_000);
  await shutDown(world);
  await world.boot();
  await crash();
  await powerCut(world);
  await wish("service.delete_requested");
  await world.create("web");
  await crash();
  return world;
}

it("counts failures and their delays as the machine does, along a whole life", async () => {
  const world = await troubled();
  const fold = new Fold();
  const count = new FailureCount();
  const counted: object[] = [];
  const folded: object[] = [];
  for (const row of world.rows.filter(({ stream }) => stream === "service/web")) {
    fold.add(row);
    const failure = count.add(row);
    const context = fold.streams.get("service/web")?.snapshot.context as ServiceContext;
    expect([row.seq, count.definition]).toEqual([row.seq, context.definition]);
    if (row.toState !== "crashed" || row.fromState === "crashed") continue;
    const { attempt, delayMs, crashLooping } = context;
    folded.push({ seq: row.seq, attempt, delayMs, crashLooping });
    counted.push({
      seq: failure?.row.seq,
      attempt: failure?.attempt,
      delayMs: failure?.delayMs,
      crashLooping: failure?.crashLooping,
    });
  }

  expect(folded.length).toBeGreaterThan(12);
  expect(counted).toEqual(folded);
});
