import { AppError } from "../../base/errors.ts";
import type { EventPages } from "../../journal/event-pages.ts";
import type { EventRow } from "../../journal/record.ts";
import type { Subscription } from "../../journal/tail.ts";
import type { Reader } from "../reader.ts";
import { encoded, sharedBytes, SSE_PREAMBLE, sseHeartbeat, type EventFormat } from "./encoding.ts";
import { streamOf, wants, type EventFilter } from "./filter.ts";
import { PageReader } from "./pages.ts";

/** Where the log ends, and where it is: a client on the same machine reads it there itself. */
export interface LogHead {
  /** The last row's number and hash; 0 and the genesis hash where the log is empty. */
  seq: number;
  hash: string;
  /** The daemon's state directory. */
  stateDir?: string;
}

/** The event log as the API reads it. */
export interface EventLog extends EventPages {
  head(): LogHead;
  /** The first seq that is left: below it retention has cut. */
  firstSeq(): number;
  /** Rows as they are committed. */
  subscribe(): Subscription;
}

/** What a reader wants of the log. */
export interface EventsAsked {
  /** First sequence number; it may be one that is yet to come. */
  from: number;
  filter: EventFilter;
  /** So many at most. */
  limit: number;
  /** Goes on with what comes. */
  follow: boolean;
  format: EventFormat;
}

/** Sent to a silent reader of server-sent events so often, in milliseconds: proxies in between give up on silence. */
const HEARTBEAT_MS = 15_000;

/** A reader at the live end of the log. */
interface Live {
  reader: Reader;
  asked: EventsAsked;
  wants: ((row: EventRow) => boolean) | undefined;
  next: number;
  left: number;
  /** Ends its life here: it is slow, has left, or has all it wanted. */
  fallBehind: () => void;
}

const gone = (first: number): AppError =>
  new AppError(
    "events_gone",
    `events below ${first} are no longer kept: go on from ${first}, and what was between is lost`,
    { details: { first } },
  );

/**
 * Sends the log to whoever reads it: the past page by page, then what comes, none left out, none twice, in order.
 *
 * What comes is taken once, encoded once, and the same bytes go to every reader without a filter. One that does not take
 * them falls back to reading pages, and is among the live ones again when it has caught up: nothing is kept for it.
 */
export class EventFeed {
  readonly #log: EventLog;
  readonly #pages: PageReader;
  readonly #live = new Set<Live>();
  #pending: EventRow[] = [];
  #head: number;
  #readers = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(log: EventLog) {
    this.#log = log;
    this.#pages = new PageReader(log);
    this.#head = log.head().seq;
    void this.#listen();
  }

  /** Readers at the live end, and those that read the past. */
  get readers(): number {
    return this.#readers;
  }

  /** Reads of the store so far. */
  get reads(): number {
    return this.#pages.reads;
  }

  /** @throws AppError `events_gone` where retention has removed what is asked for */
  refuseGone(from: number): void {
    const first = this.#log.firstSeq();
    if (from < first) throw gone(first);
  }

  /**
   * Sends what was asked for until it is all sent, or the reader leaves.
   *
   * @throws AppError `events_gone` where retention overtakes a reader
   */
  async send(reader: Reader, asked: EventsAsked): Promise<void> {
    this.#readers += 1;
    try {
      if (asked.format === "sse") await reader.write(SSE_PREAMBLE);
      await this.#send(reader, asked);
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#pages.forget();
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    for (const live of this.#live) live.fallBehind();
  }

  async #send(reader: Reader, asked: EventsAsked): Promise<void> {
    const state = {
      reader,
      asked,
      wants: wants(asked.filter),
      next: asked.from,
      left: asked.limit,
    };
    const atFirst = this.#log.head().seq; // what is on disk now, also where it did not come yet
    while (!reader.hasLeft && !this.#closed && state.left > 0) {
      const head = asked.follow ? Math.max(this.#head, atFirst) : atFirst;
      if (state.next <= head) await this.#past(state, head);
      else if (asked.follow) await this.#follow(state);
      else return;
    }
  }

  async #past(state: Omit<Live, "fallBehind">, head: number): Promise<void> {
    const { reader, asked } = state;
    const page = await this.#pages.page(state.next, head, streamOf(asked.filter));
    this.refuseGone(state.next);
    const bytes = bytesFor(state, page.rows);
    state.next = page.next;
    await reader.write(bytes);
  }

  /** Stays with what comes until the reader falls behind. */
  async #follow(state: Omit<Live, "fallBehind">): Promise<void> {
    const { reader } = state;
    const { promise, resolve } = Promise.withResolvers<void>();
    const live: Live = Object.assign(state, { fallBehind: () => resolve() });
    this.#live.add(live);
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
    if (this.#closed) resolve();
    await reader.unlessLeft(promise);
    this.#live.delete(live);
    await reader.caughtUp();
  }

  /** Takes what is committed, for all readers together. */
  async #listen(): Promise<void> {
    while (!this.#closed) {
      const live = this.#log.subscribe();
      const { seq } = this.#log.head(); // after the subscription began, so that nothing falls between
      if (seq > this.#head) this.#missed(seq);
      for await (const row of live) this.#take(row);
      if (live.ended === "closed") return this.close();
    }
  }

  /** Rows were committed that did not come: the readers find them in the log. */
  #missed(head: number): void {
    this.#pending = [];
    this.#head = head;
    for (const live of this.#live) live.fallBehind();
  }

  #take(row: EventRow): void {
    if (row.seq <= this.#head) return;
    this.#pending.push(row);
    if (this.#pending.length === 1) setImmediate(() => this.#flush()); // what comes in one turn goes out together
  }

  #flush(): void {
    const rows = this.#pending.filter(({ seq }) => seq > this.#head);
    this.#pending = [];
    const last = rows.at(-1);
    if (!last) return;
    this.#head = last.seq;
    for (const live of this.#live) offer(live, rows);
  }

  #beat(): void {
    for (const { asked, next, reader } of this.#live) {
      if (asked.format === "sse" && !reader.isBehind) reader.offer(sseHeartbeat(next - 1));
    }
    if (this.#live.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }
}

/** Rows as a reader gets them, counted against what it still wants. */
function bytesFor(state: Omit<Live, "fallBehind">, rows: readonly EventRow[]): Buffer {
  const { asked, wants: isWanted, next } = state;
  const isWhole =
    isWanted === undefined && rows.length <= state.left && (rows[0]?.seq ?? 0) >= next;
  if (isWhole) {
    state.left -= rows.length;
    return sharedBytes(rows, asked.format);
  }
  const wanted = rows.filter((row) => row.seq >= next && (isWanted?.(row) ?? true));
  const sent = wanted.slice(0, Math.min(wanted.length, state.left));
  state.left -= sent.length;
  return encoded(sent, asked.format);
}

function offer(live: Live, rows: readonly EventRow[]): void {
  const last = rows.at(-1)?.seq ?? 0;
  if (last < live.next) return; // it begins with what is yet to come
  const bytes = bytesFor(live, rows);
  live.next = last + 1;
  const isQuick = bytes.length === 0 || live.reader.offer(bytes);
  if (!isQuick || live.left <= 0) live.fallBehind();
}
