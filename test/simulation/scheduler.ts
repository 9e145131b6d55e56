/** What is to happen at a time of the simulated world. */
interface Planned {
  due: number;
  owner: object | undefined;
  run: () => void;
}

/** Takes back what was planned. */
export type Cancel = () => void;

/** Plans of somebody who may be gone before they come true. */
export interface Plans {
  /** Calls back after so many milliseconds, unless it is taken back or all of it has ended. */
  after(ms: number, run: () => void): Cancel;
  /** Nothing that was planned here happens any more. */
  end(): void;
}

/**
 * Time of the simulated world, in whole milliseconds since its beginning, and what is planned in it. Time passes only from one plan to the next, or when it is told to;
 * plans of the same moment come true in the order in which they were made.
 */
export class Scheduler {
  #now = 0;
  #planned: Planned[] = [];

  get now(): number {
    return this.#now;
  }

  get waiting(): number {
    return this.#planned.length;
  }

  after(ms: number, run: () => void, owner?: object): Cancel {
    const planned = { due: this.#now + Math.max(0, Math.round(ms)), owner, run };
    let place = this.#planned.length;
    while (place > 0 && (this.#planned[place - 1]?.due ?? 0) > planned.due) place -= 1;
    this.#planned.splice(place, 0, planned);
    return () => {
      const at = this.#planned.indexOf(planned);
      if (at >= 0) this.#planned.splice(at, 1);
    };
  }

  plans(): Plans {
    const owner = {};
    let ended = false;
    return {
      after: (ms, run) => (ended ? () => {} : this.after(ms, run, owner)),
      end: () => {
        ended = true;
        this.#planned = this.#planned.filter((planned) => planned.owner !== owner);
      },
    };
  }

  /** When the next plan is due; undefined where nothing is planned. */
  get nextDue(): number | undefined {
    return this.#planned[0]?.due;
  }

  /** Goes to the next plan and lets it come true. @returns false where there is none */
  next(): boolean {
    const planned = this.#planned.shift();
    if (!planned) return false;
    this.#now = Math.max(this.#now, planned.due);
    planned.run();
    return true;
  }

  /** Lets time pass in which nothing happens: no further than the next plan. */
  wait(ms: number): void {
    this.#now = Math.min(this.#now + ms, Math.max(this.#now, this.nextDue ?? Infinity));
  }

  /** The machine sleeps: time passes, and what was due meanwhile comes after it. */
  sleep(ms: number): void {
    this.#now += ms;
  }
}
