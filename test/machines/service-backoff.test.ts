import { describe, expect, it } from "vitest";
import type { ServiceDefinition } from "../../machines/definition.ts";
import * as life from "./life.ts";

/** So many failures in a row, each 2 ms after its start and so many milliseconds after the one before. `again`: what leads to the next try. */
function loop(
  count: number,
  everyMs: number,
  definition: Partial<ServiceDefinition> = {},
  again: (index: number) => typeof life.start | ReturnType<typeof life.fired> = (index) =>
    life.fired("backoff", `ev_down_${index}`),
) {
  let now = life.service(definition);
  for (let index = 1; index <= count; index += 1) {
    const at = index * everyMs;
    const id = `in_${index}`;
    now = now.when(
      { ...life.asked(id), at: at - 3 },
      { ...life.spawned(id), at: at - 2, id: `ev_up_${index}` },
      { ...life.exited(1, id), at },
      { ...life.emptied(id), at, id: `ev_down_${index}` },
    );
    if (index < count && now.state === "crashed")
      now = now.when({ ...again(index), at: at + everyMs - 4 });
  }
  return now;
}

describe("the delay before the next try", () => {
  it("doubles with each failure in a row, and so does what is counted", () => {
    const third = loop(3, 40_000);

    expect(third.context).toMatchObject({ attempt: 3, restartCount: 3, delayMs: 800 });
    expect(third.context.dueAt).toBe(120_800);
  });

  it("is as long as the draw in the exit's event says", () => {
    const { context } = life.running().when({ ...life.exited(1, "in_1", 0), at: 1_000 });

    expect(context.dueAt).toBe(1_160);
  });

  it("begins anew after 30 s healthy", () => {
    const up = loop(3, 10_000).when(
      life.fired("backoff", "ev_down_3"),
      life.asked("in_4"),
      { ...life.spawned("in_4"), at: 40_000, id: "ev_up" },
      { ...life.fired("healthy", "ev_up"), at: 70_000 },
    );
    const { context } = up.when(life.exited(1, "in_4"));

    expect(up.context).toMatchObject({ attempt: 0, failures: [], restartCount: 3 });
    expect(context).toMatchObject({ delayMs: 200, restartCount: 4 });
  });

  it("does not begin anew by what was armed in an earlier life", () => {
    const up = loop(2, 10_000).when(
      life.fired("backoff", "ev_down_2"),
      life.asked("in_3"),
      life.spawned("in_3"),
      life.fired("healthy", "ev_up_1"),
    );

    expect(up.taken).toBe(false);
    expect(up.context.attempt).toBe(2);
  });

  it("has nothing to forget where nothing failed", () => {
    const up = life.service().when(life.asked(), { ...life.spawned(), id: "ev_up" });

    expect(up.when(life.fired("healthy", "ev_up")).taken).toBe(false);
  });
});

describe("crash-looping", () => {
  it("shows at the fifth failure in 60 s", () => {
    expect(loop(4, 10_000).context.crashLooping).toBe(false);
    expect(loop(5, 10_000).context.crashLooping).toBe(true);
  });

  it("does not show where five failures take longer", () => {
    expect(loop(9, 15_000).context.crashLooping).toBe(false);
  });

  it("keeps 100 ms between tries even without a first delay", () => {
    const now = { backoff: { firstMs: 0 } };

    expect(loop(4, 1_000, now).context.delayMs).toBeUndefined();
    expect(loop(5, 1_000, now).context.delayMs).toBe(100);
    expect(loop(1_200, 1_000, now).context.delayMs).toBe(100);
  });

  it("ends when it was healthy for 30 s", () => {
    const up = loop(5, 10_000).when(
      life.fired("backoff", "ev_down_5"),
      life.asked("in_6"),
      { ...life.spawned("in_6"), id: "ev_up" },
      life.fired("healthy", "ev_up"),
    );

    expect(up.context.crashLooping).toBe(false);
  });

  it("ends that way also after a person started it anew", () => {
    const up = loop(5, 10_000).when(
      life.start,
      life.asked("in_6"),
      { ...life.spawned("in_6"), id: "ev_up" },
      life.fired("healthy", "ev_up"),
    );

    expect(up.context).toMatchObject({ crashLooping: false, restartCount: 0 });
  });
});

describe("max_failures", () => {
  it("gives up for good at so many failures within the window", () => {
    const { state, context } = loop(3, 10_000, { maxFailures: 3 });

    expect(state).toBe("failed");
    expect(context).toMatchObject({ desired: "running", restartCount: 2 });
  });

  it("goes on where they lie further apart", () => {
    expect(loop(9, 30_000, { maxFailures: 3 }).state).toBe("crashed");
    expect(loop(9, 30_000, { maxFailures: 3, windowMs: 90_000 }).state).toBe("failed");
  });

  it("counts a spawn that failed too", () => {
    const { state } = loop(1, 10_000, { maxFailures: 2 }).when(
      life.fired("backoff", "ev_down_1"),
      life.asked("in_2"),
      life.notSpawned("in_2"),
    );

    expect(state).toBe("failed");
  });

  it("counts from 0 again after a person's start", () => {
    const { state } = loop(5, 10_000, { maxFailures: 2 }, () => life.start);

    expect(state).toBe("crashed");
  });
});
