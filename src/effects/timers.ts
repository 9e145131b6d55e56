import type { ServiceTimer } from "../../machines/service-events.ts";
import type { Clock } from "../base/clock.ts";
import type { TimerRunner } from "../runtime/ports.ts";

type Armed = Parameters<TimerRunner["arm"]>[0];

interface TimersDeps {
  /** What `dueAt` is told on. */
  clock: Pick<Clock, "now">;
  /** Called once for each arming that is due and was not replaced; may arm again. */
  fire: (stream: string, fired: { timer: ServiceTimer; armed: string }) => void;
  setTimer?: (callback: () => void, ms: number) => unknown;
  clearTimer?: (handle: unknown) => void;
}

/**
 * The clock is looked at again after so many milliseconds at most: it counts time asleep, which Node's timers do not (libuv waits on CLOCK_MONOTONIC).
 * With it no wait comes near the 2^31 ms over which Node's timers fire at once.
 */
const LOOK_MS = 1_000;

/**
 * Timers that are due on the runtime's own clock, behind one timer of Node's for the earliest.
 *
 * A wake that comes early waits on; one that comes late, after a sleep of the machine, fires what became due meanwhile, once, in the order of their times.
 * Nothing is disarmed: whoever armed it knows by `armed` whether it still counts.
 */
export function createTimers(deps: TimersDeps): TimerRunner {
  const { clock, fire } = deps;
  const setTimer = deps.setTimer ?? setTimeout;
  const clearTimer =
    deps.clearTimer ?? ((handle: unknown) => clearTimeout(handle as NodeJS.Timeout));
  const waiting = new Map<string, Armed>();
  let wake: { at: number; handle: unknown } | undefined;

  function wakeFor(dueAt: number): void {
    if (wake && wake.at <= dueAt) return;
    if (wake) clearTimer(wake.handle);
    const ms = Math.min(Math.max(dueAt - clock.now(), 0), LOOK_MS);
    wake = { at: dueAt, handle: setTimer(look, ms) };
  }

  function look(): void {
    wake = undefined;
    const now = clock.now();
    const due = [...waiting].filter(([, { dueAt }]) => dueAt <= now);
    for (const [key] of due) waiting.delete(key);
    for (const [, { stream, timer, armed }] of due.toSorted(([, a], [, b]) => a.dueAt - b.dueAt))
      fire(stream, { timer, armed });
    const next = Math.min(...[...waiting.values()].map(({ dueAt }) => dueAt));
    if (next !== Infinity) wakeFor(next);
  }

  return {
    arm: (request) => {
      waiting.set(`${request.stream} ${request.timer}`, request);
      wakeFor(request.dueAt);
    },
  };
}
