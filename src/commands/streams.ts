import type { ExitStatus, SpawnError } from "../../machines/service-events.ts";
import type { EventRow } from "../journal/record.ts";
import type { LogLine } from "../logs/ports.ts";
import { signalNumber } from "../posix/signals.ts";
import { type StreamPorts, Watch } from "./watch.ts";

/** How long after the end of a process its last words are waited for, in milliseconds. */
const LAST_WORDS_MS = 2_000;
/** An exit as shells write it: the code, or 128 and the signal's number. */
export function exitCodeOf(status: ExitStatus): number {
  const number = status.signal === undefined ? undefined : signalNumber(status.signal);
  return status.code ?? (number === undefined ? 1 : 128 + number);
}

const alreadyIn = (phase: string): string =>
  phase === "stopped" || phase === "failed"
    ? `The definition is changed; the service stays ${phase} until it is started`
    : "Service already running";

/** What is asked of the service itself, as it is on disk. */
interface StartLook {
  /** What it waits for, if it waits. */
  waiting: () => readonly string[];
  /** Why it is not as it should be. */
  error: () => string | undefined;
}

/** Follows the first life that a command leads to: `pending`, `stopping`, `stopped`, `started`, its output, `exit`. */
export class StartWatch extends Watch {
  readonly #durationMs: number;
  readonly #look: StartLook;
  #incarnation: string | undefined;
  #started = false;
  #held: LogLine[] = [];
  #status: ExitStatus | undefined;
  #lastStatus: ExitStatus | undefined;

  constructor(name: string, ports: StreamPorts, durationMs: number, look: StartLook) {
    super(name, ports);
    this.#durationMs = durationMs;
    this.#look = look;
  }

  protected begun(own: readonly EventRow[]): void {
    const last = own.at(-1);
    if (!last)
      return this.complete(
        'Service already running with that definition: "services restart" restarts it',
      );
    if (this.#durationMs > 0) this.after(this.#durationMs, () => this.complete());
    if (last.toState === "restarting") this.say({ type: "stopping", time: last.wall });
    else if (last.toState === "pending") this.#waits(last.wall);
    else if (
      last.toState === "running" ||
      own.every(({ type }) => type !== "process.spawn_requested")
    ) {
      this.complete(alreadyIn(last.toState));
    }
  }

  protected row(row: EventRow): void {
    const mine = row.incarnation !== null && row.incarnation === this.#incarnation;
    if (row.type === "process.spawn_requested") this.#incarnation ??= row.incarnation ?? undefined;
    else if (row.type === "process.spawned" && mine) this.#begins(row);
    else if (row.type === "process.spawn_failed" && mine) this.#fails(row);
    else if (row.type === "process.exited" && mine) this.#exited(row.data["status"] as ExitStatus);
    else if (row.type === "output.ended" && mine) this.#lastWords();
    else if (row.type === "timer.fired" && row.data["timer"] === "ready") this.#isLate(row);
    else if (row.type === "process.exited") this.#lastStatus = row.data["status"] as ExitStatus;
    else if (
      row.type === "incarnation.emptied" &&
      row.fromState === "restarting" &&
      !this.#incarnation
    ) {
      const exitCode = this.#lastStatus && exitCodeOf(this.#lastStatus);
      this.say({ type: "stopped", time: row.wall, ...(exitCode !== undefined && { exitCode }) });
    }
    // Somebody restarted it before it was there: the next one is the first to be seen.
    if (row.type === "incarnation.emptied" && mine && !this.#started) this.#incarnation = undefined;
    const over =
      row.toState === "stopped" || row.toState === "deleted" || row.toState === "stopping";
    if (over && !this.#started) this.complete("it was stopped before it started");
  }

  protected override rowsEnd({ toState, wall }: EventRow): void {
    if (this.#durationMs === 0 && toState === "pending" && !this.#started) this.#waits(wall);
  }

  protected output(incarnation: string, line: LogLine): void {
    if (this.#incarnation === undefined) return;
    if (incarnation !== this.#incarnation) return;
    if (this.#started) this.show(line);
    else this.keep(this.#held, line);
  }

  #waits(time: number): void {
    const names = this.#look.waiting().join(", ");
    this.say({ type: "pending", data: `waiting for ${names || "a free slot"}`, time });
    if (this.#durationMs === 0) this.complete();
  }

  #begins(row: EventRow): void {
    this.#started = true;
    this.sayFirst({ type: "started", time: Number(row.data["wall"]) });
    if (this.#durationMs === 0) return this.complete();
    for (const line of this.#held.splice(0)) this.show(line);
  }

  /** It is ended because it did not become ready: its exit alone would not say so. */
  #isLate({ toState, wall }: EventRow): void {
    const isEnded = toState === "restarting" || toState === "stopping";
    const data = this.#look.error();
    if (this.#started && isEnded && data !== undefined)
      this.say({ type: "error", data, time: wall });
  }

  #fails(row: EventRow): void {
    const { message } = row.data["error"] as unknown as SpawnError;
    this.say({ type: "error", data: `Failed to start service: ${message}`, time: row.wall });
    this.say({ type: "exit", exitCode: 1, time: row.wall });
    this.end();
  }

  #exited(status: ExitStatus): void {
    this.#status = status;
    this.after(LAST_WORDS_MS, () => this.#lastWords());
  }

  #lastWords(): void {
    if (!this.#status) return;
    this.say({ type: "exit", exitCode: exitCodeOf(this.#status), time: this.ports.wall() });
    this.end();
  }
}

/** Follows an end: `stopping`, its last output, `stopped`. */
export class StopWatch extends Watch {
  #incarnation: string | undefined;
  #status: ExitStatus | undefined;
  #drained = false;
  #down = false;
  readonly #open: () => string | undefined;
  readonly #first: readonly string[];

  /**
   * @param open id of the incarnation that is being ended
   * @param first services that were stopped before it, since they need it
   */
  constructor(
    name: string,
    ports: StreamPorts,
    open: () => string | undefined,
    first: readonly string[],
  ) {
    super(name, ports);
    this.#open = open;
    this.#first = first;
    this.#incarnation = open();
  }

  protected begun(own: readonly EventRow[]): void {
    this.#incarnation = this.#open() ?? this.#incarnation;
    const last = own.at(-1);
    for (const name of this.#first) {
      const data = `${name} needs it and was stopped first`;
      this.sayFirst({ type: "stopping", data, time: last?.wall ?? this.ports.wall() });
    }
    if (last?.toState !== "stopping") return;
    this.sayFirst({ type: "stopping", time: last.wall });
  }

  protected row(row: EventRow): void {
    const mine = row.incarnation === this.#incarnation;
    if (row.type === "process.exited" && mine) this.#status = row.data["status"] as ExitStatus;
    if (row.type === "output.ended" && mine) this.#drained = true;
    if (row.type === "process.unkillable") {
      const data = `process ${Number(row.data["pid"])} survives SIGKILL: the service stays "stopping" until it is gone`;
      this.say({ type: "error", code: "timed_out", data, time: row.wall });
      return this.complete();
    }
    if (row.toState === "restarting" || row.toState === "pending") {
      const data = `it was started again by ${row.actor} before it was down`;
      this.say({ type: "error", code: "event_refused", data, time: row.wall });
      return this.complete();
    }
    if (row.toState === "stopped" || row.toState === "deleted" || row.toState === "failed")
      this.#isDown();
    if (this.#drained && this.#down) this.#stopped();
  }

  protected output(incarnation: string, line: LogLine): void {
    if (incarnation === this.#incarnation) this.show(line);
  }

  #isDown(): void {
    if (this.#down) return;
    this.#down = true;
    if (this.#status) this.after(LAST_WORDS_MS, () => this.#stopped());
    else this.#stopped();
  }

  #stopped(): void {
    const exitCode = this.#status && exitCodeOf(this.#status);
    this.say({
      type: "stopped",
      time: this.ports.wall(),
      ...(exitCode !== undefined && { exitCode }),
    });
    this.complete();
  }
}
