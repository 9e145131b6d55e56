import type { Db } from "../journal/sqlite.ts";

/** What people jump to, and what a line of time shows. */
export const MARKS = ["start", "restart", "crash", "command", "boot", "change"] as const;
export type Mark = (typeof MARKS)[number];

/** Rows of one kind, in order: their numbers, and what the clock on the wall said. */
interface Series {
  seqs: number[];
  walls: number[];
}

type Kinds = { readonly [Kind in Mark]: Series };

interface Row {
  seq: number;
  stream: string;
  type: string;
  wall: number;
  from: string | null;
  to: string;
  actor: string;
}

/**
 * Where in the log the rows are that stand out, by stream and in all. The log has no index for them, which each append would pay for: it is read
 * once, at some microsecond a row, and then followed.
 */
export class Marks {
  readonly #db: Db;
  readonly #all = kinds();
  readonly #streams = new Map<string, Kinds>();
  #last = 0;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Reads what has come since. */
  update(): void {
    const rows = this.#db
      .prepare<[number], Row>(
        "SELECT seq, stream, type, wall, from_state AS 'from', to_state AS 'to', actor FROM events WHERE seq > ? ORDER BY seq",
      )
      .iterate(this.#last);
    for (const row of rows) {
      this.#note(row);
      this.#last = row.seq;
    }
  }

  /** Rows of a kind, of one stream or of all. */
  of(kind: Mark, stream?: string): Readonly<Series> {
    return (stream === undefined ? this.#all : this.#streams.get(stream))?.[kind] ?? NONE;
  }

  /** Streams of services that were ever seen. */
  get streams(): Iterable<string> {
    return this.#streams.keys();
  }

  #note(row: Row): void {
    const own = this.#streams.get(row.stream) ?? kinds();
    this.#streams.set(row.stream, own);
    for (const kind of kindsOf(row, own)) {
      for (const { seqs, walls } of [this.#all[kind], own[kind]]) {
        seqs.push(row.seq);
        walls.push(row.wall);
      }
    }
  }
}

const NONE: Readonly<Series> = { seqs: [], walls: [] };

const kinds = (): Kinds => ({
  start: { seqs: [], walls: [] },
  restart: { seqs: [], walls: [] },
  crash: { seqs: [], walls: [] },
  command: { seqs: [], walls: [] },
  boot: { seqs: [], walls: [] },
  change: { seqs: [], walls: [] },
});

const CHANGES: ReadonlySet<string> = new Set([
  "service.created",
  "service.changed",
  "service.delete_requested",
]);

function kindsOf({ stream, type, from, to, actor }: Row, own: Kinds): Mark[] {
  if (!stream.startsWith("service/")) return type === "environment.booted" ? ["boot"] : [];
  const found: Mark[] = [];
  if (type === "process.spawn_requested") found.push("start");
  if (type === "process.spawn_requested" && own.start.seqs.length > 0) found.push("restart");
  if (from !== to && (to === "crashed" || (to === "failed" && from !== "pending")))
    found.push("crash");
  if (type.startsWith("service.") && actor !== "runtime") found.push("command");
  if (CHANGES.has(type)) found.push("change");
  return found;
}

/** Index of the first number that is at least `wanted`; the length where there is none. */
export function firstAtLeast(sorted: readonly number[], wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many are from one number to another, both counted. */
export const countWithin = (sorted: readonly number[], from: number, to: number): number =>
  Math.max(0, firstAtLeast(sorted, to + 1) - firstAtLeast(sorted, from));
