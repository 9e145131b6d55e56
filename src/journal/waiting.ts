import { setTimeout as pause } from "node:timers/promises";

/** How the writer waits: a port, so that a simulated run lets its own time pass. Milliseconds of a clock that never goes back. */
export interface Waiting {
  now(): number;
  pause(ms: number): Promise<void>;
  /** Calls back when so much time went by without a `refresh`. */
  whenQuiet(ms: number, callback: () => void): Quiet;
}

export interface Quiet {
  /** Something happened: the time begins anew. */
  refresh(): void;
  end(): void;
}

/** Node's timers; none of them keeps the process alive for the sake of upkeep. */
export const nodeWaiting: Waiting = {
  now: () => performance.now(),
  pause: (ms) => pause(ms),
  whenQuiet: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return { refresh: () => void timer.refresh(), end: () => clearTimeout(timer) };
  },
};
