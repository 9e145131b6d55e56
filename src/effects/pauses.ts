import { boottimeMs } from "../posix/calls.ts";

/** Notices that the machine slept, or that this process was held up: what fell into such a pause says nothing of anybody else. */
export interface Pauses {
  /** Begins to look. @returns whether there was a pause since; asked once, which ends the looking */
  watch(): () => boolean;
}

/** How often it is looked, while somebody watches, in milliseconds. */
const LOOK_MS = 250;
/** So far apart two looks say that there was a pause between them, in milliseconds. */
const PAUSE_MS = 1_000;

/** @param now a clock that goes on while the machine sleeps, in milliseconds */
export function createPauses(now: () => number = boottimeMs): Pauses {
  let watchers = 0;
  let timer: NodeJS.Timeout | undefined;
  let looked = 0;
  let pauses = 0;
  const look = (): void => {
    const at = now();
    if (at - looked > PAUSE_MS) pauses += 1;
    looked = at;
  };
  return {
    watch: () => {
      if (watchers === 0) {
        looked = now();
        timer = setInterval(look, LOOK_MS).unref();
      }
      watchers += 1;
      look();
      const before = pauses;
      return () => {
        look();
        watchers -= 1;
        if (watchers === 0) clearInterval(timer);
        return pauses > before;
      };
    },
  };
}
