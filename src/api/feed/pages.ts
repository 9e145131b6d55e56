import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventPages } from "../../journal/event-pages.ts";
import type { EventRow } from "../../journal/record.ts";

/** Some rows of the log, and where to go on. */
interface Page {
  rows: readonly EventRow[];
  /** The first sequence number that was not looked at. */
  next: number;
}

/** Pages end at multiples of this: whoever reads the past comes to the same ones, wherever they began. */
const PAGE_ROWS = 128;
/** Data of a page, in bytes; a larger row comes alone. */
const PAGE_BYTES = 262_144;
/** Pages that are kept while somebody reads. */
const KEPT_PAGES = 16;

/**
 * Reads the past for many: one short read a turn of the event loop, in the order in which they asked, so that the rest of
 * the daemon is answered in between and nobody starves; the newest pages are kept, so that what all want is read once.
 */
export class PageReader {
  readonly #log: EventPages;
  readonly #kept = new Map<string, Page>();
  #line: Promise<unknown> = Promise.resolve();
  /** Reads of the store so far. */
  reads = 0;

  constructor(log: EventPages) {
    this.#log = log;
  }

  /**
   * @param from  first sequence number that is wanted, at most `head`
   * @param head  the last that is on disk
   * @param stream where only one is wanted
   */
  async page(from: number, head: number, stream: string | undefined): Promise<Page> {
    const end = Math.min(head, from - ((from - 1) % PAGE_ROWS) + PAGE_ROWS - 1);
    const key = `${from} ${end} ${stream ?? ""}`;
    const known = this.#kept.get(key);
    if (known) return known;
    return this.#inTurn(
      () => this.#kept.get(key) ?? this.#keep(key, this.#read(from, end, head, stream)),
    );
  }

  /** Lets go of what is kept: nobody reads. */
  forget(): void {
    this.#kept.clear();
  }

  #read(from: number, end: number, head: number, stream: string | undefined): Page {
    this.reads += 1;
    if (stream === undefined) {
      const rows = this.#log.page(from, { rows: end - from + 1, bytes: PAGE_BYTES });
      return { rows, next: (rows.at(-1)?.seq ?? end) + 1 };
    }
    const rows = this.#log.pageOf(stream, from, { rows: PAGE_ROWS, bytes: PAGE_BYTES });
    return { rows, next: (rows.at(-1)?.seq ?? head) + 1 };
  }

  #keep(key: string, page: Page): Page {
    this.#kept.set(key, page);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_PAGES && oldest !== undefined) this.#kept.delete(oldest);
    return page;
  }

  async #inTurn(read: () => Page): Promise<Page> {
    const before = this.#line;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line = promise;
    await before;
    try {
      return read();
    } finally {
      void nextTurn().then(resolve);
    }
  }
}
