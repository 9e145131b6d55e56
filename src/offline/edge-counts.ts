import type { Db } from "../journal/sqlite.ts";

/** How often a service went one way. */
export interface EdgeCount {
  /** null: a birth. */
  from: string | null;
  to: string;
  event: string;
  count: number;
  last_seq: number;
  last_wall: number;
}

interface Counted {
  upTo: number;
  edges: Map<string, EdgeCount>;
}

/** Services whose counts are kept. */
const KEPT = 1_000;

/** How often each edge of services was taken: counted once, then followed. */
export class EdgeCounts {
  readonly #db: Db;
  readonly #kept = new Map<string, Counted>();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Up to a row, and with it. A moment before one that was asked for is counted from the beginning. */
  of(stream: string, to: number): EdgeCount[] {
    const kept = this.#kept.get(stream);
    const base = kept && kept.upTo <= to ? kept : { upTo: 0, edges: new Map<string, EdgeCount>() };
    const fresh = {
      upTo: to,
      edges: new Map([...base.edges].map(([key, edge]) => [key, { ...edge }])),
    };
    for (const edge of this.#between(stream, base.upTo, to)) {
      const key = JSON.stringify([edge.from, edge.to, edge.event]);
      const known = fresh.edges.get(key);
      if (known) fresh.edges.set(key, { ...edge, count: known.count + edge.count });
      else fresh.edges.set(key, edge);
    }
    if (!kept || kept.upTo <= to) this.#keep(stream, fresh);
    return [...fresh.edges.values()];
  }

  #keep(stream: string, counted: Counted): void {
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(stream, counted);
  }

  #between(stream: string, above: number, to: number): EdgeCount[] {
    return this.#db
      .prepare<[string, number, number], EdgeCount>(
        `SELECT from_state AS 'from', to_state AS 'to', type AS event, count(*) AS count, max(seq) AS last_seq, wall AS last_wall
         FROM events WHERE stream = ? AND seq > ? AND seq <= ? GROUP BY from_state, to_state, type`,
      )
      .all(stream, above, to);
  }
}
