import type { EventRow } from "./record.ts";

/** Why no more rows come: the reader was too slow and must read on from the log, or it, or the log, was closed. */
type EndReason = "too slow" | "closed";

/** Rows as they are committed, kept for one reader until it takes them. */
export interface Subscription extends AsyncIterable<EventRow> {
  /** Set once no more rows are kept; those that were can still be taken. */
  readonly ended: EndReason | undefined;
  close(): void;
}

/** The live end of the log, within the process that writes it. */
export interface Tail {
  /** Rows that are on disk, in order. Every subscriber shares them: they must not be changed. */
  publish(rows: readonly EventRow[]): void;
  /** @param wants rows that it is not true for are left out */
  subscribe(wants?: (row: EventRow) => boolean): Subscription;
  /** Ends all subscriptions. */
  close(): void;
}

/** Rows kept for a reader that does not take them; one more and it is dropped. */
const KEPT = 1_000;

/** @param kept rows that wait for a slow reader at most */
export function createTail(kept = KEPT): Tail {
  const subscribers = new Set<Subscriber>();
  return {
    publish: (rows) => {
      for (const subscriber of subscribers) subscriber.offer(rows);
    },
    subscribe: (wants = () => true) => {
      const subscriber = new Subscriber(kept, wants, () => subscribers.delete(subscriber));
      subscribers.add(subscriber);
      return subscriber;
    },
    close: () => {
      for (const subscriber of subscribers) subscriber.close();
    },
  };
}

class Subscriber implements Subscription {
  ended: EndReason | undefined;
  readonly #kept: number;
  readonly #wants: (row: EventRow) => boolean;
  readonly #onEnd: () => void;
  #rows: EventRow[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(kept: number, wants: (row: EventRow) => boolean, onEnd: () => void) {
    this.#kept = kept;
    this.#wants = wants;
    this.#onEnd = onEnd;
  }

  offer(rows: readonly EventRow[]): void {
    for (const row of rows) if (this.#wants(row)) this.#rows.push(row);
    if (this.#rows.length > this.#kept) this.#end("too slow");
    if (this.#rows.length > 0) this.#wake.resolve();
  }

  close(): void {
    this.#end("closed");
  }

  /** What waits for a reader that was dropped is let go: it will read that again from the log. */
  #end(reason: EndReason): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    if (reason === "too slow") this.#rows = [];
    this.#onEnd();
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventRow> {
    for (;;) {
      const rows = this.#rows;
      this.#rows = [];
      yield* rows;
      if (this.#rows.length > 0) continue;
      if (this.ended !== undefined) return;
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }
}
