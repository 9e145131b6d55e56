import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 20;

/**
 * Waits for a condition of the outside world, and fails saying what did not come.
 *
 * @param what what is waited for, in words
 * @param probe its value once it is there; undefined or false before that
 * @param withinMs far more than it takes: only a failure waits so long
 * @param why asked at a failure: what was seen instead
 */
export async function until<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 30_000,
  why: () => unknown = () => "",
): Promise<Value> {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) {
      throw new Error(
        `it did not come within ${withinMs} ms that ${what}\n${inWords(await why())}`,
      );
    }
    await pause(PAUSE_MS);
  }
}

const inWords = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value, null, 2);
