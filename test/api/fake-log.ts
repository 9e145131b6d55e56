import type { EventLog } from "../../src/api/feed/feed.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { createTail } from "../../src/journal/tail.ts";

export const row = (seq: number, change: Partial<EventRow> = {}): EventRow => ({
  seq,
  id: `ev_${seq}`,
  stream: "service/web",
  version: seq,
  type: "service.created",
  schema: 1,
  data: { definition: { cmd: "x" } },
  at: seq,
  wall: seq,
  bootId: "bt_1",
  incarnation: null,
  cause: null,
  correlation: `ev_${seq}`,
  actor: "uid:0",
  fromState: null,
  toState: "starting",
  prevHash: "p",
  hash: "h",
  ...change,
});

export const many = (count: number): EventRow[] =>
  Array.from({ length: count }, (_, index) => row(index + 1));

/** A log in memory: what is appended is read and followed at once, and retention may cut it. */
export class FakeLog implements EventLog {
  readonly rows: EventRow[];
  readonly tail = createTail();
  /** The reads so far. */
  readonly reads: { from: number; stream?: string }[] = [];

  constructor(rows: readonly EventRow[] = []) {
    this.rows = [...rows];
  }

  append(...rows: readonly EventRow[]): void {
    this.rows.push(...rows);
    this.tail.publish(rows);
  }

  /** Adds the next so many. */
  grow(count: number, change: Partial<EventRow> = {}): void {
    const next = this.head().seq + 1;
    this.append(...Array.from({ length: count }, (_, index) => row(next + index, change)));
  }

  /** Retention: nothing below stays. */
  cut(first: number): void {
    while ((this.rows[0]?.seq ?? first) < first) this.rows.shift();
  }

  page: EventLog["page"] = (from, { rows }) => {
    this.reads.push({ from });
    return this.rows.filter(({ seq }) => seq >= from).slice(0, rows);
  };

  pageOf: EventLog["pageOf"] = (stream, from, { rows }) => {
    this.reads.push({ from, stream });
    return this.rows.filter((one) => one.stream === stream && one.seq >= from).slice(0, rows);
  };

  head: EventLog["head"] = () => ({ seq: this.rows.at(-1)?.seq ?? 0, hash: "h" });
  firstSeq: EventLog["firstSeq"] = () => this.rows[0]?.seq ?? 1;
  subscribe: EventLog["subscribe"] = () => this.tail.subscribe();
}
