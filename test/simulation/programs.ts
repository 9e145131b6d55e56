import type { ExitStatus } from "../../machines/service-events.ts";

/** How a service's program behaves from its next start on. */
export interface Program {
  /** Cannot be spawned, and why. */
  refused?: { errno: string; permanent?: boolean };
  /** How long it is looked for and checked, and how long its exec takes, in milliseconds. */
  checkMs: number;
  execMs: number;
  /** Its exec hangs, as on a disk that is gone. */
  execHangs: boolean;
  /** Ends by itself so long after its start. */
  ends?: { afterMs: number; status: ExitStatus };
  /** Ignores every signal that can be ignored. */
  stubborn: boolean;
  /** How long a gentle end takes. */
  termMs: number;
  /** Survives KILL until the machine is kind to it. */
  immortal: boolean;
  /** Processes it forks, and those that leave its session. */
  children: number;
  escapees: number;
  /** How long after its start it says that it is ready; null: never. */
  readyMs: number | null;
  healthy: boolean;
  /** How long its output goes on after its end. */
  drainMs: number;
  /** What its stop command does. */
  stopCommand: "ends" | "fails" | "hangs";
  /** Where /proc does not show it to the next daemon. */
  hidden: boolean;
}

/** One that nobody has to complain of. */
export const GOOD: Program = {
  checkMs: 1,
  execMs: 1,
  execHangs: false,
  stubborn: false,
  termMs: 5,
  immortal: false,
  children: 0,
  escapees: 0,
  readyMs: 100,
  healthy: true,
  drainMs: 3,
  stopCommand: "ends",
  hidden: false,
};

/** What each service's program is like. */
export class Programs {
  readonly #changed = new Map<string, Program>();
  readonly #starts = new Map<string, number>();

  of(service: string): Program {
    return this.#changed.get(service) ?? GOOD;
  }

  change(service: string, how: Partial<Program>): void {
    this.#changed.set(service, { ...GOOD, ...how });
  }

  /** Everything works again. */
  mend(): void {
    this.#changed.clear();
  }

  /** Counts the starts of a service, so that the luck of each has a name. */
  nextStart(service: string): string {
    const count = (this.#starts.get(service) ?? 0) + 1;
    this.#starts.set(service, count);
    return `${service}#${count}`;
  }
}
