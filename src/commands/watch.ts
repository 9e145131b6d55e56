import { type Channel, channel } from "../base/channel.ts";
import type { EventRow } from "../journal/record.ts";
import { skippedLine } from "../logs/line.ts";
import type { LogLine, ServiceLogs } from "../logs/ports.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { StreamLine } from "./ports.ts";

/** Lines that may wait for a slow reader. */
const WAITING_LINES = 10_000;

export interface StreamPorts {
  dispatcher: Pick<Dispatcher, "listen">;
  logs: Pick<ServiceLogs, "follow" | "fileOf">;
  wall: () => number;
  /** Calls back after so many milliseconds; returns the way to prevent it. */
  after: (ms: number, callback: () => void) => () => void;
}

/**
 * What happens to one service from a command on, as lines for who asked. Made before the command is dispatched, so that no row is missed;
 * `begin` is given the command's own rows.
 */
export abstract class Watch {
  protected readonly name: string;
  protected readonly ports: StreamPorts;
  readonly lines: Channel<StreamLine>;
  #rows: EventRow[] | undefined = [];
  #first = 0;
  /** Output from before `begin`. */
  readonly #early: [string, LogLine][] = [];
  /** Lines that were left out before they could be shown, and how many of all that were left out have been told. */
  #missed = 0;
  #told = 0;
  readonly #leave: (() => void)[] = [];

  constructor(name: string, ports: StreamPorts) {
    this.name = name;
    this.ports = ports;
    this.lines = channel(WAITING_LINES, () => this.abandon());
    this.#leave.push(
      ports.dispatcher.listen((rows) => this.#received(rows)),
      ports.logs.follow(name, (incarnation, line) => this.#written(incarnation, line)),
    );
  }

  /** The command is on disk; its rows, and those that came since, are told. */
  begin(rows: readonly EventRow[]): void {
    const waiting = this.#rows ?? [];
    this.#rows = undefined;
    this.#first = rows[0]?.seq ?? 0;
    this.begun(rows.filter((row) => row.stream === `service/${this.name}`));
    this.#received(waiting);
    for (const [incarnation, line] of this.#early.splice(0)) this.output(incarnation, line);
  }

  /** Nobody listens any more. */
  abandon(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }

  protected after(ms: number, callback: () => void): void {
    this.#leave.push(this.ports.after(ms, callback));
  }

  /** What happened: never left out. */
  protected say(line: StreamLine): void {
    this.#tellGap();
    this.lines.pushAlways(line);
  }

  /** The same for what comes before all output: lines that are missing are told of after it. */
  protected sayFirst(line: StreamLine): void {
    this.lines.pushAlways(line);
  }

  /** What the service wrote: left out, and counted, where the reader is too slow. */
  protected show(line: LogLine): void {
    if (this.lines.hasRoom) this.#tellGap();
    this.lines.push(said(line));
  }

  #tellGap(): void {
    const missing = this.lines.dropped + this.#missed - this.#told;
    if (missing > 0) this.lines.pushAlways(said(skippedLine(missing)));
    this.#told += missing;
  }

  protected complete(message?: string): void {
    const logFile = this.ports.logs.fileOf(this.name);
    this.say({
      type: "complete",
      logFile,
      time: this.ports.wall(),
      ...(message !== undefined && { message }),
    });
    this.end();
  }

  protected end(): void {
    this.lines.close();
    this.abandon();
  }

  #written(incarnation: string, line: LogLine): void {
    if (!this.#rows) this.output(incarnation, line);
    else this.keep(this.#early, [incarnation, line]);
  }

  /** Keeps output that cannot be shown yet; past the limit it is left out and counted, like what a slow reader does not take. */
  protected keep<Kept>(kept: Kept[], one: Kept): void {
    if (kept.length < WAITING_LINES) kept.push(one);
    else this.#missed += 1;
  }

  protected abstract begun(own: readonly EventRow[]): void;
  protected abstract row(row: EventRow): void;
  /** The rows that were stored together are all told. */
  protected rowsEnd(_last: EventRow): void {}
  protected abstract output(incarnation: string, line: LogLine): void;

  #received(rows: readonly EventRow[]): void {
    if (this.#rows) {
      this.#rows.push(...rows);
      return;
    }
    const own = rows.filter(
      (row) => row.stream === `service/${this.name}` && row.seq >= this.#first,
    );
    for (const row of own) this.row(row);
    const last = own.at(-1);
    if (last) this.rowsEnd(last);
  }
}

const said = ({ stream, text, time }: LogLine): StreamLine => ({
  type: stream,
  data: `${text}\n`,
  time,
});
