import { AppError, messageOf } from "../base/errors.ts";
import type { AppendResult, Group, Journal, KeyClaim, SealedValue } from "../journal/journal.ts";
import type { EventRow } from "../journal/record.ts";
import {
  BatchStepper,
  type Fact,
  type GroupPorts,
  type RuntimeView,
  type Stepped,
} from "./group.ts";
import type { Origin, Registry } from "./registry.ts";

/** A wish from outside: decided when its turn comes, stored whole or refused. */
export interface Command {
  actor: string;
  /** Looks at the actors and everything before it in the batch; the facts to store (none: nothing to do), or an AppError. */
  decide: (view: RuntimeView) => readonly Fact[];
  sealed?: readonly SealedValue[];
  claim?: Omit<KeyClaim, "eventId">;
}

interface Input {
  command?: Command;
  decide: (view: RuntimeView) => readonly Fact[];
  actor: string;
  /** Reports are kept until they are on disk. */
  resolve: (rows: EventRow[]) => void;
  reject: (error: unknown) => void;
}

interface Pending {
  input: Input;
  rows: Stepped[];
}

/** What one transaction is made of, and who waits for it. */
interface Batch {
  /** In their order, those without rows too: what they are answered may rest on the rows of those before them. */
  inputs: readonly Input[];
  groups: readonly Pending[];
  /** Answers of inputs without rows: nothing to do, or refused. */
  answers: readonly (() => void)[];
}

interface DispatchPorts extends GroupPorts {
  journal: Journal;
  /** Why nothing may be stored: what every command is told. */
  readOnly?: AppError;
  /** The log's last row, as it was opened; seq 0 and "" in an empty log. */
  head: { readonly seq: number; readonly hash: string };
  /** Calls back after so many milliseconds: for a store that failed. */
  later: (ms: number, callback: () => void) => void;
  onError: (message: string, error: unknown) => void;
}

/** Commands that may wait; one more gets 503. Reports always may. */
const QUEUED_COMMANDS = 1_000;
/** Inputs in one transaction. */
const BATCH = 256;
/** Pause before a store that failed is tried again, for the sake of the reports. */
const RETRY_MS = 250;

/**
 * The only door to the log. Inputs wait in a queue; while no commit runs, what is there is stepped beside the actors and goes to the journal
 * as one transaction. After the commit each actor takes its events, and with them the effects run; then callers and listeners are told.
 */
export class Dispatcher {
  readonly #ports: DispatchPorts;
  readonly #registry: Registry;
  readonly #stepper: BatchStepper;
  readonly #listeners = new Set<(rows: readonly EventRow[]) => void>();
  #queue: Input[] = [];
  #head: DispatchPorts["head"];
  #commands = 0;
  #committing = false;
  #resting = false;

  constructor(registry: Registry, ports: DispatchPorts) {
    this.#ports = ports;
    this.#head = ports.head;
    this.#registry = registry;
    this.#stepper = new BatchStepper(registry, ports);
  }

  /** The last row that is known to be on disk: after an I/O error a reader of the file may see more, of which nobody knows yet whether it stays. */
  get lastSeq(): number {
    return this.#head.seq;
  }

  /** The actors as they are on disk, for reading. */
  get view(): RuntimeView {
    return this.#stepper.view;
  }

  /** What waits to be stored: all inputs that are not in a commit yet, and the commands that were not answered yet. */
  get waiting(): { inputs: number; commands: number } {
    return { inputs: this.#queue.length, commands: this.#commands };
  }

  /**
   * Stores a command and what follows from it.
   *
   * @returns its rows once they are on disk and their effects were begun; empty where there was nothing to do
   * @throws AppError what its decision refused; `busy`, `storage_full`, `storage_failed`: nothing is stored then
   */
  command(command: Command): Promise<EventRow[]> {
    if (this.#ports.readOnly) return Promise.reject(this.#ports.readOnly);
    if (this.#commands >= QUEUED_COMMANDS) {
      return Promise.reject(
        new AppError("busy", `${QUEUED_COMMANDS} commands wait already: try again in a moment`),
      );
    }
    this.#commands += 1;
    const { promise, resolve, reject } = Promise.withResolvers<EventRow[]>();
    this.#enqueue({ command, decide: command.decide, actor: command.actor, resolve, reject });
    return promise.finally(() => void (this.#commands -= 1));
  }

  /** Stores facts that happened. Never refused, never lost: kept until their row is on disk. What no machine takes is dropped. */
  report(stream: string, facts: readonly Fact["event"][], actor = "runtime"): void {
    const decide = () => facts.map((event) => ({ stream, event }));
    this.#enqueue({
      decide,
      actor,
      resolve: () => {},
      reject: (error) => this.#ports.onError(`a report of ${stream} could not be stored`, error),
    });
  }

  /** Told of rows after their commit, in order, in the order of subscription. Returns the way out. */
  listen(listener: (rows: readonly EventRow[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when nothing is being committed, and nothing waits but for a store that failed. */
  async idle(): Promise<void> {
    while ((this.#queue.length > 0 && !this.#resting) || this.#committing) {
      await new Promise<void>((resolve) => this.#ports.later(1, resolve));
    }
  }

  #enqueue(input: Input): void {
    this.#queue.push(input);
    if (!this.#committing && !this.#resting) void this.#run();
  }

  async #run(): Promise<void> {
    this.#committing = true;
    // What comes in the same tick shares the commit.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#resting) {
      const batch = this.#prepare(this.#queue.splice(0, BATCH));
      if (batch.groups.length > 0) await this.#commit(batch);
      else for (const answer of batch.answers) answer();
    }
    this.#committing = false;
  }

  #prepare(inputs: readonly Input[]): Batch {
    const groups: Pending[] = [];
    const answers: (() => void)[] = [];
    for (const input of inputs) {
      try {
        const strict = input.command !== undefined;
        const rows = this.#stepper.step(
          { decide: input.decide, actor: input.actor, strict },
          (fact) => (strict ? undefined : this.#originOf(fact)),
        );
        if (rows.length > 0) groups.push({ input, rows });
        else answers.push(() => input.resolve([]));
      } catch (error) {
        answers.push(() => input.reject(error));
      }
    }
    this.#stepper.reset(); // what is not on disk is nobody's business
    return { inputs, groups, answers };
  }

  async #commit(batch: Batch): Promise<void> {
    const result = await this.#ports.journal.append(
      batch.groups.map(({ input, rows }) => groupOf(input, rows)),
    );
    switch (result.outcome) {
      case "committed":
        this.#apply(batch, result);
        return;
      case "refused":
        this.#refused(batch, result.group, result.message);
        return;
      case "full":
        this.#failed(
          batch,
          new AppError(
            "storage_full",
            `the event log cannot grow: ${result.message}. Free some space on its disk`,
          ),
        );
        return;
      case "failed":
        this.#failed(
          batch,
          new AppError("storage_failed", `the event log could not be written: ${result.message}`),
        );
        return;
    }
  }

  #apply(
    { groups, answers }: Batch,
    { firstSeq, hashes }: AppendResult & { outcome: "committed" },
  ): void {
    let seq = firstSeq;
    let prevHash = this.#head.hash;
    const told: [Input, EventRow[]][] = [];
    for (const { input, rows } of groups) {
      const committed: EventRow[] = [];
      for (const { draft, event } of rows) {
        const hash = hashes[seq - firstSeq] ?? "";
        committed.push({ ...draft, seq, prevHash, hash });
        prevHash = hash;
        seq += 1;
        this.#registry.apply(draft, event);
      }
      told.push([input, committed]);
    }
    this.#head = { seq: seq - 1, hash: prevHash };
    for (const [input, committed] of told) {
      for (const listener of this.#listeners) listener(committed);
      input.resolve(committed);
    }
    for (const answer of answers) answer();
  }

  /** A group that the log does not take is a bug: its caller is told, the others go again. */
  #refused({ inputs, groups }: Batch, group: number, message: string): void {
    const refused = groups[group]?.input;
    refused?.reject(
      new AppError("internal", `the event log refused what was prepared for it: ${message}`),
    );
    this.#queue.unshift(...inputs.filter((input) => input !== refused));
  }

  /** Nothing of it happened: neither what was to be stored, nor what was answered because of it. */
  #failed({ inputs }: Batch, error: AppError): void {
    this.#ports.onError("a commit failed", error);
    const reports = inputs.filter((input) => input.command === undefined);
    for (const input of inputs) if (input.command) input.reject(error);
    this.#queue.unshift(...reports);
    if (reports.length === 0) return;
    this.#resting = true;
    this.#ports.later(RETRY_MS, () => {
      this.#resting = false;
      if (!this.#committing) void this.#run();
    });
  }

  /** Which row a report came of: the one that asked for its effect last. */
  #originOf(fact: Fact): Origin | undefined {
    const origins = this.#registry.get(fact.stream)?.origins;
    if (!origins) return undefined;
    for (const effect of causesOf(fact.event)) {
      const origin = origins.get(effect);
      if (origin) return origin;
    }
    return undefined;
  }
}

/** Effects that an event may come of, the likeliest first. */
function causesOf(event: { type: string; timer?: string }): readonly string[] {
  switch (event.type) {
    case "timer.fired":
      return [`armTimer:${event.timer}`];
    case "process.spawned":
    case "process.spawn_failed":
      return ["spawnProcess"];
    case "process.exited":
    case "process.stop_command_failed":
    case "process.kill_sent":
    case "process.unkillable":
      return ["stopIncarnation", "spawnProcess"];
    case "incarnation.emptied":
      return ["emptyIncarnation", "stopIncarnation", "watchUnproven", "spawnProcess"];
    case "health.changed":
    case "health.failed":
      return ["startHealth"];
    case "readiness.reached":
    case "readiness.failed":
      return ["startReadiness"];
    default:
      return [];
  }
}

const groupOf = (input: Input, rows: readonly Stepped[]): Group => {
  const claim = input.command?.claim;
  return {
    rows: rows.map(({ draft, view }) => ({ draft, view })),
    ...(input.command?.sealed && { sealed: [...input.command.sealed] }),
    ...(claim && { claim: { ...claim, eventId: rows[0]?.draft.id ?? "" } }),
  };
};

/** For a log line: what was thrown, in words. */
export const inWords = (error: unknown): string =>
  error instanceof AppError ? `${error.code}: ${error.message}` : messageOf(error);
