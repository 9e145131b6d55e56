import { describe, expect, it } from "vitest";
import { environmentMachine } from "../../machines/environment.ts";
import { given } from "../support/given.ts";

const booted = {
  type: "environment.booted",
  machineBoot: "mb_1",
  pid: 10,
  release: "0.1.0",
  logDir: "/logs",
  found: { open: 0, proven: 0, unproven: 0 },
} as const;
const ready = { type: "environment.ready_reached" } as const;
const drain = {
  type: "environment.drain_requested",
  reason: "SIGTERM",
  deadlineMs: 5_000,
} as const;
const drained = { type: "environment.drained", left: [] } as const;
const quarantined = {
  type: "stream.quarantined",
  stream: "service/web",
  reason: "row 7 differs",
} as const;
const born = given(environmentMachine, { name: "sprite" });

describe("the sprite's life", () => {
  it("is down at its birth", () => {
    expect(born.state).toBe("down");
  });

  it("boots, is ready, drains, and is down", () => {
    expect(born.when(booted).state).toBe("booting");
    expect(born.when(booted, ready).state).toBe("ready");
    expect(born.when(booted, ready, drain).state).toBe("draining");
    expect(born.when(booted, ready, drain, drained).state).toBe("down");
  });

  it("may be told to end while it boots", () => {
    expect(born.when(booted, drain).state).toBe("draining");
  });

  it.each([
    ["booting", born.when(booted)],
    ["ready", born.when(booted, ready)],
    ["draining", born.when(booted, ready, drain)],
    ["down", born.when(booted, ready, drain, drained)],
  ])("boots again from %s: the daemon before was killed, or ended", (_, at) => {
    const { state, context } = at.when({ ...booted, machineBoot: "mb_2" });

    expect(state).toBe("booting");
    expect(context.machineBoot).toBe("mb_2");
  });

  it("keeps the deadline of the shutdown", () => {
    expect(born.when(booted, ready, drain).context.deadlineMs).toBe(5_000);
  });

  it("takes no second shutdown, and no end of one that was not begun", () => {
    expect(born.when(booted, ready, drain, drain).taken).toBe(false);
    expect(born.when(booted, ready, drained).taken).toBe(false);
    expect(born.when(ready).taken).toBe(false);
  });
});

describe("what it notes in any state", () => {
  it("a step of the wall clock", () => {
    const { taken, state } = born.when(booted, { type: "clock.stepped", byMs: -3_600_000 });

    expect({ taken, state }).toEqual({ taken: true, state: "booting" });
  });

  it("which streams are quarantined, and why", () => {
    const { context } = born.when(booted, quarantined);

    expect(context.quarantined).toEqual({ "service/web": "row 7 differs" });
  });

  it("which streams were retired: quarantined no more, read only from behind a version", () => {
    const { context } = born.when(
      booted,
      quarantined,
      { ...quarantined, stream: "service/app" },
      { type: "stream.retired", stream: "service/web", version: 12 },
    );

    expect(context.quarantined).toEqual({ "service/app": "row 7 differs" });
    expect(context.retired).toEqual({ "service/web": 12 });
  });
});
