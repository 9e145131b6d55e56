import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const NAMES = Array.from({ length: 5 }, (_, index) => `service-${index}`);

/** A sprite whose daemon was killed and whose services live on. */
async function orphanedServices(): Promise<Sprite> {
  const made = await bootedSprite();
  for (const name of NAMES) await made.put(name, { cmd: fixture("forever") });
  await Promise.all(NAMES.map((name) => made.untilRunning(name)));
  await made.killDaemon();
  return made;
}

it("heeds a TERM that comes during the boot: what was begun is ended in order", async () => {
  const made = await orphanedServices();
  const daemon = made.launch();
  await until("it says what it found", () => daemon.said().includes("was killed"));
  daemon.signal("SIGTERM");
  const ended = await daemon.ended;

  expect(ended.code).toBe(0);
  const last = made.rows().at(-1);
  expect(last).toMatchObject({ stream: "environment/sprite", to_state: "down" });
  for (const name of NAMES) {
    expect(made.rowsOf(name).at(-1)?.to_state).toBe("stopped");
  }
});

it("records nothing and ends nothing where its socket cannot be had", async () => {
  const made = await orphanedServices();
  const before = made.rows().length;
  const taken = `${made.dir}/a-file`;
  writeFileSync(taken, "mine");
  const daemon = made.launch({ flags: ["--socket", taken] });
  const ended = await daemon.ended;

  expect(ended.code).not.toBe(0);
  expect(ended.stderr).toContain("a-file");
  expect(made.rows()).toHaveLength(before);
});
