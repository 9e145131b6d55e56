import type { ExitStatus } from "../../machines/service-events.ts";
import { idOf } from "../../src/journal/record.ts";
import type { Report, RunnerReport } from "../../src/runtime/ports.ts";
import type { Process } from "./kernel.ts";

/** How far one life is, as its runner knows. */
export interface Life {
  readonly stream: string;
  readonly incarnation: string;
  stage: "asked" | "spawning" | "up" | "ended" | "closed";
  main?: Process;
  isChild: boolean;
  isExitTold: boolean;
  stop?: { signal: string; due: number; command: boolean };
  unprovenPid?: number;
  isWatched: boolean;
  isClearing: boolean;
  isUnkillableTold: boolean;
  hasOutput: boolean;
}

/** Reports that may be heard again. */
const REMEMBERED = 100;

/** What a runner remembers of the lives that it was asked for, and what it told of them. */
export class Lives {
  readonly #lives = new Map<string, Life>();
  readonly #finished = new Set<string>();
  readonly #told: [string, readonly RunnerReport[]][] = [];
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  get(incarnation: string): Life | undefined {
    return this.#lives.get(incarnation);
  }

  isKnown(incarnation: string): boolean {
    return this.#lives.has(incarnation) || this.#finished.has(incarnation);
  }

  begin(stream: string, incarnation: string, stage: Life["stage"]): Life {
    const life: Life = {
      stream,
      incarnation,
      stage,
      isChild: false,
      isExitTold: true,
      isWatched: false,
      isClearing: false,
      isUnkillableTold: false,
      hasOutput: false,
    };
    this.#lives.set(incarnation, life);
    return life;
  }

  /** One that is not over; what nobody knows may have left something. */
  open(stream: string, incarnation: string): Life | undefined {
    if (this.#finished.has(incarnation)) return undefined;
    return this.#lives.get(incarnation) ?? this.begin(stream, incarnation, "ended");
  }

  close(life: Life): void {
    life.stage = "closed";
    this.#lives.delete(life.incarnation);
    this.#finished.add(life.incarnation);
  }

  tell(life: Life, ...facts: readonly RunnerReport[]): void {
    if (facts.length === 0) return;
    this.#told.push([life.stream, facts]);
    if (this.#told.length > REMEMBERED) this.#told.shift();
    this.#report(life.stream, facts);
  }

  /** A report of a life that is over comes once more, as one that was late would. */
  echo(service: string, back: number): void {
    const late = this.#told.filter(
      ([stream, [fact]]) => idOf(stream) === service && this.#finished.has(fact?.incarnation ?? ""),
    );
    const told = late.at(-1 - back);
    if (told) this.#report(...told);
  }
}

/** The end of the main process, if it is not told yet. */
export function exitOf(life: Life, status: ExitStatus): RunnerReport[] {
  if (life.isExitTold) return [];
  life.isExitTold = true;
  return [{ type: "process.exited", incarnation: life.incarnation, status }];
}
