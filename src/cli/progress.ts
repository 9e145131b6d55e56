import { showsStatus, status } from "./output.ts";

/** What is under way with one service, as its line on the terminal tells. */
export interface Task {
  /** What is done now. @param text given the seconds since it began */
  now: (text: (seconds: number) => string) => void;
  end: () => void;
}

/** Whoever waits for less than so long is told nothing, in milliseconds. */
const PATIENCE_MS = 1_000;

interface Running {
  text: (seconds: number) => string;
  /** On the monotonic clock, in milliseconds. */
  since: number;
}

const running = new Set<Running>();
let ticking: NodeJS.Timeout | undefined;

/**
 * Tells on the last line of the terminal what is waited for and since when, once that takes more than a second; several tasks share the line.
 * Nothing is drawn where standard error is no terminal.
 *
 * @param text given the seconds since it began
 */
export function beginTask(text: (seconds: number) => string): Task {
  if (!showsStatus()) return { now: () => undefined, end: () => undefined };
  const task: Running = { text, since: performance.now() };
  running.add(task);
  ticking ??= setInterval(draw, PATIENCE_MS);
  return {
    now: (next) => {
      if (next === task.text) return;
      Object.assign(task, { text: next, since: performance.now() });
    },
    end: () => {
      running.delete(task);
      if (running.size > 0) return;
      clearInterval(ticking);
      ticking = undefined;
      status("");
    },
  };
}

function draw(): void {
  const now = performance.now();
  const late = [...running].filter(({ since }) => now - since >= PATIENCE_MS);
  status(late.map(({ text, since }) => text(Math.floor((now - since) / 1_000))).join("; "));
}
