import type { ServiceDefinition } from "../../machines/definition.ts";
import { afterFailure, type ServiceContext } from "../../machines/service-context.ts";
import type { EventRow } from "../journal/record.ts";

/** A failure that was retried, and what its delay was made of. */
export interface Failure {
  /** The row that counted it. */
  row: EventRow;
  /** Its place among the failures in a row. */
  attempt: number;
  /** From this row to the next try, in milliseconds. */
  delayMs: number;
  /** The jitter's draw, 0 to 1. */
  draw: number;
  crashLooping: boolean;
}

type Counted = Pick<
  ServiceContext,
  "definition" | "attempt" | "failures" | "crashLooping" | "restartCount"
>;

const NOTHING = { attempt: 0, failures: [], crashLooping: false, restartCount: 0 };

const FRESH = new Set(["service.start_requested", "service.restart_requested", "service.changed"]);

/**
 * Counts the failures of one service along its rows, with the machine's own sum. So a delay of long ago is known without a fold
 * of everything else, which costs ten times as much.
 */
export class FailureCount {
  #counted: Counted = { definition: { cmd: "" }, ...NOTHING };

  /** The definition in force. */
  get definition(): ServiceDefinition {
    return this.#counted.definition;
  }

  /** Goes on from what a machine remembered: the rows before are gone. */
  resume(context: ServiceContext): void {
    this.#counted = context;
  }

  /** @returns what the row counted, where it counted a failure */
  add(row: EventRow): Failure | undefined {
    const counted = this.#counted;
    if (row.type === "service.created")
      this.#counted = { definition: definitionIn(row), ...NOTHING };
    else if (row.type === "service.changed")
      this.#counted = {
        ...counted,
        ...NOTHING,
        definition: definitionIn(row),
        crashLooping: counted.crashLooping,
      };
    else if (FRESH.has(row.type))
      this.#counted = { ...counted, ...NOTHING, crashLooping: counted.crashLooping };
    else if (row.type === "timer.fired" && row.data["timer"] === "healthy")
      this.#counted = { ...counted, attempt: 0, failures: [], crashLooping: false };
    else if (row.toState === "crashed" && row.fromState !== "crashed") return this.#failed(row);
    return undefined;
  }

  #failed(row: EventRow): Failure {
    const draw = typeof row.data["jitter"] === "number" ? row.data["jitter"] : 0.5; // as the machine has it
    const patch = afterFailure(this.#counted as ServiceContext, row.at, draw); // it reads what is counted here alone
    this.#counted = { ...this.#counted, ...patch };
    const { attempt, crashLooping } = this.#counted;
    return { row, attempt, delayMs: patch.delayMs ?? 0, draw, crashLooping };
  }
}

const definitionIn = (row: EventRow): ServiceDefinition =>
  row.data["definition"] as unknown as ServiceDefinition; // its machine took it
