import type { AppendedRow } from "../journal/append.ts";
import type { Db } from "../journal/sqlite.ts";
import { markMade } from "./heads.ts";
import type { Projection, StreamNow } from "./projection.ts";

/** The log as a projection is made of it: states at some row, then the rows after that one. */
interface LogSource {
  /** What lived at that row, or what retention left of it. */
  states: Iterable<StreamNow>;
  /** Of that row; 0: the beginning. */
  seq: number;
  /** The next rows after those it gave, at most so many, up to the present end of the log. */
  next(limit: number): readonly AppendedRow[];
}

/** Opens the log for a projection. `present`: from the states after the last row; else from where the log begins. */
export type OpenSource = (from: "present" | "beginning") => LogSource;

/** Rows that are folded before the time is looked at. */
const ROWS = 20;

/** How long a piece of the work may take, in milliseconds: appends wait for it. */
const PIECE_MS = 10;

/**
 * Makes one projection anew beside its old table, a piece at a time, and puts it in the old one's place in the transaction that folds the last
 * rows. Whoever appends does so between two pieces.
 */
export class Rebuild {
  readonly #db: Db;
  readonly #projection: Projection;
  readonly #source: LogSource;
  readonly #states: Iterator<StreamNow>;
  readonly #table: string;
  readonly #now: () => number;
  #isBegun = false;
  #seq: number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    db: Db,
    projection: Projection,
    open: OpenSource,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
    this.#db = db;
    this.#projection = projection;
    this.#source = open(projection.state ? "present" : "beginning");
    this.#states = this.#source.states[Symbol.iterator]();
    this.#table = `${projection.name}_being_made`;
    this.#seq = this.#source.seq;
  }

  /**
   * Does one piece.
   *
   * @returns whether all of it is done, and the new table is in the place of the old one
   * @throws what a handler threw; the piece is undone then, and the table beside is of no use any more
   */
  step(pieceMs = PIECE_MS): boolean {
    return this.#db.transaction(() => this.#piece(this.#now() + pieceMs)).immediate();
  }

  /** Throws away what was made. */
  abandon(): void {
    this.#db.exec(`DROP TABLE IF EXISTS ${this.#table}`);
  }

  #piece(until: number): boolean {
    if (!this.#isBegun) this.#begin();
    do {
      const state = this.#states.next();
      if (!state.done) this.#projection.state?.(this.#db, state.value, this.#table);
      else if (this.#fold() === 0) return this.#swapIn();
    } while (this.#now() < until);
    return false;
  }

  #begin(): void {
    this.abandon();
    this.#db.exec(this.#projection.schema(this.#table));
    this.#isBegun = true;
  }

  /** @returns how many rows there were */
  #fold(): number {
    const rows = this.#source.next(ROWS);
    for (const appended of rows)
      this.#projection.on[appended.row.type]?.(this.#db, appended, this.#table);
    this.#seq = rows.at(-1)?.row.seq ?? this.#seq;
    return rows.length;
  }

  #swapIn(): true {
    const { name } = this.#projection;
    this.#db.exec(`DROP TABLE IF EXISTS ${name}`);
    this.#db.exec(`ALTER TABLE ${this.#table} RENAME TO ${name}`);
    markMade(this.#db, this.#projection, this.#seq);
    return true;
  }
}
