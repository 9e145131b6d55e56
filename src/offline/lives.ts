import type { ServiceDefinition } from "../../machines/definition.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { EventRow } from "../journal/record.ts";
import { type Failure, FailureCount } from "./failures.ts";

/** One life of a process of a service, told by the rows that made it what it was. Which of them are there says how far it came. */
export interface Life {
  /** Its place among the lives of this name, from 1. */
  number: number;
  incarnation: string;
  definition: ServiceDefinition;
  /** What it was started for: the row that made the service pending. */
  reason: EventRow;
  /** `process.spawn_requested`. */
  asked: EventRow;
  /** Of the life before: what it failed with, and what made a new start follow its end. */
  before: Pick<Life, "failure" | "restartedBy">;
  spawned?: EventRow;
  /** Why it was not ready, when it last said so. */
  unready?: EventRow;
  ready?: EventRow;
  /** The last signal that a person had it sent. */
  signal?: EventRow;
  /** What asked for its end; absent: nobody did. */
  endAskedBy?: EventRow;
  /** What made a new start follow its end, where that was no failure. */
  restartedBy?: EventRow;
  /** Its stop command did not end it. */
  commandFailed?: EventRow;
  /** Everything of it got KILL. */
  killed?: EventRow;
  unkillable?: EventRow;
  /** How its main process ended, or that there was none. */
  end?: EventRow;
  /** Nothing of it was left. */
  emptied?: EventRow;
  failure?: Failure;
  /** Where its lines begin in the service's log, and end. */
  logFrom?: number;
  logTo?: number;
}

const UP = new Set(["starting", "running"]);
const STARTS = new Set(["service.start_requested", "service.restart_requested"]);

/** Follows one service along its rows, in order. It keeps what the present hangs on: the last two lives and the last wishes. */
export class LifeTracker {
  /** The newest life; it may have ended. */
  current?: Life;
  previous?: Life;
  /** The row that made it pending last. */
  pendingBy?: EventRow;
  /** The row that brought it into its present phase. */
  phaseBy?: EventRow;
  /** The last wish of each type, from anybody. */
  readonly wishes = new Map<string, EventRow>();
  readonly #failures = new FailureCount();
  readonly #onLife: (life: Life) => void;
  #lives = 0;

  /** @param onLife called, in order, with each life that is no longer kept: all but the last two */
  constructor(onLife: (life: Life) => void = () => {}) {
    this.#onLife = onLife;
  }

  get definition(): ServiceDefinition {
    return this.#failures.definition;
  }

  /**
   * Begins in the middle, where the rows before are gone: with what its machine remembered, and with what people asked for until then.
   *
   * Lives that began before are not known; one that goes on is not the current one.
   */
  resume(context: ServiceContext, asked: readonly EventRow[]): void {
    this.#failures.resume(context);
    for (const row of asked) if (row.type.startsWith("service.")) this.wishes.set(row.type, row);
  }

  add(row: EventRow): void {
    const failure = this.#failures.add(row);
    if (failure && this.current) this.current.failure = failure;
    if (row.type === "service.created") this.wishes.clear();
    if (row.type.startsWith("service.")) this.wishes.set(row.type, row);
    if (row.fromState !== row.toState) this.phaseBy = row;
    if (makesPending(row)) this.pendingBy = row;
    if (row.type === "process.spawn_requested") this.#begin(row);
    else if (this.current) this.#noteMove(this.current, row);
    const life = this.#lifeOf(row);
    if (life) note(life, row);
  }

  #begin(asked: EventRow): void {
    if (this.previous) this.#onLife(this.previous);
    const { failure, restartedBy } = this.current ?? {};
    if (this.current) this.previous = this.current;
    this.#lives += 1;
    this.current = {
      number: this.#lives,
      incarnation: asked.incarnation ?? "",
      definition: this.definition,
      reason: this.pendingBy ?? asked,
      asked,
      before: { ...(failure && { failure }), ...(restartedBy && { restartedBy }) },
    };
  }

  /** Rows about the life that is open name no incarnation where they are wishes. */
  #noteMove(life: Life, row: EventRow): void {
    if (row.toState === "restarting" && row.fromState !== "restarting") life.restartedBy = row;
    if (life.end) return;
    if (row.type === "service.signal_requested") life.signal = row;
    const leaves = UP.has(row.fromState ?? "") && !UP.has(row.toState);
    if (leaves && !row.type.startsWith("process.")) life.endAskedBy ??= row;
  }

  #lifeOf({ incarnation }: EventRow): Life | undefined {
    return [this.current, this.previous].find((life) => life?.incarnation === incarnation);
  }
}

/** What is pending already becomes so anew by a boot or a person's start: then that is what it will be started for. */
const makesPending = ({ type, fromState, toState }: EventRow): boolean =>
  toState === "pending" &&
  (fromState !== "pending" || type === "environment.booted" || STARTS.has(type));

function note(life: Life, row: EventRow): void {
  switch (row.type) {
    case "process.spawned":
      life.spawned = row;
      if (typeof row.data["logFrom"] === "number") life.logFrom = row.data["logFrom"];
      break;
    case "process.spawn_failed":
    case "process.exited":
    case "process.lost":
      life.end ??= row;
      break;
    case "process.stop_command_failed":
      life.commandFailed = row;
      break;
    case "process.kill_sent":
      life.killed = row;
      break;
    case "process.unkillable":
      life.unkillable = row;
      break;
    case "incarnation.emptied":
      life.emptied = row;
      life.end ??= row;
      break;
    case "readiness.failed":
      life.unready = row;
      break;
    case "readiness.reached":
      life.ready = row;
      break;
    case "output.ended":
      if (typeof row.data["logTo"] === "number") life.logTo = row.data["logTo"];
      break;
  }
}
