import type { Logger } from "../base/logger.ts";

/** So many spawns at once, then a queue: each may hang in a thread of libuv's pool, which files and names need too. */
interface Slots {
  /** Does the job when it is its turn. @param name what the job is called where others wait for it */
  run<Result>(name: string, job: () => Promise<Result>): Promise<Result>;
}

/** How long a job may take before it is named as what the others wait for, in milliseconds. */
const SLOW_MS = 1_000;

/** @param limit how many jobs run at once */
export function createSlots(limit: number, logger: Logger): Slots {
  const running = new Map<object, { name: string; since: number }>();
  const waiting: ((slot: object) => void)[] = [];
  let asking: NodeJS.Timeout | undefined;

  const sayWhy = () => {
    asking = undefined;
    if (waiting.length === 0) return;
    const isSlow = ({ since }: { since: number }) => performance.now() - since >= SLOW_MS;
    const names = [...running.values()].filter(isSlow).map(({ name }) => name);
    if (names.length > 0)
      logger.warn({ waiting: waiting.length, names }, "spawns wait for others that hang");
    asking = setTimeout(sayWhy, 10 * SLOW_MS).unref();
  };
  const free = (): object | Promise<object> => {
    if (running.size < limit) return {};
    asking ??= setTimeout(sayWhy, 2 * SLOW_MS).unref();
    return new Promise((resolve) => waiting.push(resolve));
  };
  const release = (slot: object) => {
    const next = waiting.shift();
    if (next) next(slot);
    else running.delete(slot);
  };

  return {
    run: async (name, job) => {
      const turn = free();
      const slot = turn instanceof Promise ? await turn : turn;
      running.set(slot, { name, since: performance.now() });
      try {
        return await job();
      } finally {
        release(slot);
      }
    },
  };
}
