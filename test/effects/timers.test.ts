import { describe, expect, it } from "vitest";
import { manualClock, systemClock } from "../../src/base/clock.ts";
import { createTimers } from "../../src/effects/timers.ts";
import { until } from "./runner-kit.ts";

/** Timers over a clock and a Node timer that stand still until a test says so. */
function kit(start = 1_000) {
  const clock = manualClock(start);
  const fired: string[] = [];
  const set: { callback: () => void; ms: number; cleared: boolean }[] = [];
  const timers = createTimers({
    clock,
    fire: (stream, { timer, armed }) => void fired.push(`${stream} ${timer} ${armed}`),
    setTimer: (callback, ms) => {
      const handle = { callback, ms, cleared: false };
      set.push(handle);
      return handle;
    },
    clearTimer: (handle) => void ((handle as { cleared: boolean }).cleared = true),
  });
  const arm = (stream: string, dueAt: number, armed = "ev_1", timer = "backoff" as const) =>
    timers.arm({ stream, timer, dueAt, armed });
  const pending = () => set.filter(({ cleared }) => !cleared);
  /** The Node timer goes off, whatever the clock says. */
  const wake = () => {
    const [next] = pending();
    if (!next) throw new Error("no timer is set");
    next.cleared = true;
    next.callback();
  };
  return { clock, fired, set, pending, timers, arm, wake };
}

describe("a timer", () => {
  it("fires with its arming when the clock has reached it", () => {
    const { clock, fired, arm, wake } = kit();
    arm("service/web", 1_200, "ev_7");
    clock.advance(200);
    wake();

    expect(fired).toEqual(["service/web backoff ev_7"]);
  });

  it("fires once", () => {
    const { clock, fired, pending, arm, wake } = kit();
    arm("service/web", 1_200);
    clock.advance(5_000);
    wake();

    expect(fired).toHaveLength(1);
    expect(pending()).toEqual([]);
  });

  it("waits on where Node's timer woke early", () => {
    const { clock, fired, pending, arm, wake } = kit();
    arm("service/web", 1_200);
    clock.advance(199);
    wake();

    expect(fired).toEqual([]);
    expect(pending().map(({ ms }) => ms)).toEqual([1]);
    clock.advance(1);
    wake();
    expect(fired).toHaveLength(1);
  });

  it("is due at once where its time is past", () => {
    const { pending, fired, arm, wake } = kit();
    arm("service/web", 500);

    expect(pending().map(({ ms }) => ms)).toEqual([0]);
    wake();
    expect(fired).toHaveLength(1);
  });

  it("is replaced by the same one of the same stream, also by a later time", () => {
    const { clock, fired, arm, wake } = kit();
    arm("service/web", 1_200, "ev_1");
    arm("service/web", 1_400, "ev_2");
    clock.advance(300);
    wake();
    expect(fired).toEqual([]);
    clock.advance(100);
    wake();

    expect(fired).toEqual(["service/web backoff ev_2"]);
  });

  it("is not replaced by another one, nor by one of another stream", () => {
    const { clock, fired, timers, arm, wake } = kit();
    arm("service/web", 1_100, "ev_1");
    arm("service/app", 1_100, "ev_2");
    timers.arm({ stream: "service/web", timer: "healthy", dueAt: 1_100, armed: "ev_3" });
    clock.advance(100);
    wake();

    expect(fired).toEqual([
      "service/web backoff ev_1",
      "service/app backoff ev_2",
      "service/web healthy ev_3",
    ]);
  });

  it("may be armed again by what it fires", () => {
    const clock = manualClock(0);
    const fired: string[] = [];
    const set: (() => void)[] = [];
    const timers = createTimers({
      clock,
      fire: (stream, { timer, armed }) => {
        fired.push(armed);
        if (armed === "ev_1") timers.arm({ stream, timer, dueAt: 0, armed: "ev_2" });
      },
      setTimer: (callback) => set.push(callback),
      clearTimer: () => {},
    });
    timers.arm({ stream: "service/web", timer: "backoff", dueAt: 0, armed: "ev_1" });
    set.shift()?.();
    set.shift()?.();

    expect(fired).toEqual(["ev_1", "ev_2"]);
  });
});

describe("many timers", () => {
  it("keep one of Node's at a time, for the earliest", () => {
    const { pending, arm } = kit();
    arm("service/a", 1_500);
    arm("service/b", 1_300);
    arm("service/c", 1_900);

    expect(pending().map(({ ms }) => ms)).toEqual([300]);
  });

  it("that became due together fire in the order of their times", () => {
    const { clock, fired, arm, wake } = kit();
    arm("service/late", 1_900);
    arm("service/early", 1_100);
    arm("service/not-yet", 9_000);
    clock.advance(1_000);
    wake();

    expect(fired).toEqual(["service/early backoff ev_1", "service/late backoff ev_1"]);
  });
});

describe("a long wait", () => {
  it("looks at the clock again and again, since Node's timers do not count time asleep", () => {
    const { clock, fired, pending, arm, wake } = kit();
    arm("service/web", 61_000);
    expect(pending().map(({ ms }) => ms)).toEqual([1_000]);
    clock.advance(60_000); // the machine slept: Node's timer has waited a second
    wake();

    expect(fired).toHaveLength(1);
  });

  it("may be longer than Node's timers can wait", () => {
    const { clock, fired, set, arm, wake } = kit();
    arm("service/web", 1_000 + 2 ** 40);
    clock.advance(2 ** 31);
    wake();

    expect(fired).toEqual([]);
    expect(Math.max(...set.map(({ ms }) => ms))).toBeLessThan(2 ** 31);
  });

  it("is not moved by a step of the wall clock", () => {
    const { clock, fired, arm, wake } = kit();
    arm("service/web", 1_500);
    clock.stepWall(3_600_000);
    wake();

    expect(fired).toEqual([]);
  });
});

it("waits with Node's own timers where no others are given, never too short", async () => {
  const clock = systemClock(() => performance.now(), 0);
  const fired: number[] = [];
  const timers = createTimers({ clock, fire: () => void fired.push(clock.now()) });
  const dueAt = clock.now() + 30;
  timers.arm({ stream: "service/web", timer: "backoff", dueAt, armed: "ev_1" });
  await until("the timer", () => fired.length > 0);

  expect(fired).toHaveLength(1);
  expect(fired[0]).toBeGreaterThanOrEqual(dueAt);
});
