/** What nobody waits for is left alone so long: a service that crashed is started again within a few milliseconds. */
const WAIT_MS = 20;

/** Work that nobody waits for, done between requests: none holds up one that came meanwhile for longer than one chore. */
export interface Chores {
  /** It must not throw. */
  add(chore: () => void): void;
  /** Does at once what is left. */
  finish(): void;
}

/** Nothing to do yet. */
export function createChores(): Chores {
  const waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;

  const next = (): void => {
    timer = turn = undefined;
    waiting.shift()?.();
    if (waiting.length > 0) turn ??= setImmediate(next);
  };
  return {
    add: (chore) => {
      waiting.push(chore);
      if (turn === undefined) timer ??= setTimeout(next, WAIT_MS);
    },
    finish: () => {
      clearTimeout(timer);
      clearImmediate(turn);
      timer = turn = undefined;
      for (let chore = waiting.shift(); chore; chore = waiting.shift()) chore();
    },
  };
}
