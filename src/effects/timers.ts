import type { Clock } from "../base/clock.ts";
import type { TimerRunner } from "../runtime/ports.ts";

type Armed = Parameters<TimerRunner["arm"]>[0];

export function createTimers(deps: {
  clock: Clock;
  fire: (stream: string, fired: { timer: string; armed: string }) => void;
}): TimerRunner {
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    arm: ({ stream, timer, dueAt, armed }: Armed) => {
      const key = `${stream} ${timer}`;
      clearTimeout(timers.get(key));
      timers.set(
        key,
        setTimeout(
          () => deps.fire(stream, { timer, armed }),
          Math.max(0, dueAt - deps.clock.now()),
        ),
      );
    },
  };
}
