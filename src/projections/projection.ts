import type { AppendedRow } from "../journal/append.ts";
import type { JsonObject } from "../journal/record.ts";
import type { Db } from "../journal/sqlite.ts";

/** Folds one row into a projection's table, which goes by the name given. SQL and an `if`: every append waits for it. */
type Handler = (db: Db, appended: AppendedRow, table: string) => void;

/** What a stream that lives is after its last row so far. */
export interface StreamNow {
  stream: string;
  /** The machine's state. */
  phase: string;
  /** The machine's own context. */
  view: JsonObject;
  /** Of its last row. */
  seq: number;
  at: number;
  /** Why it is quarantined. */
  quarantined?: string;
}

/** A read model: a table that a fold of the log gives, and that can be thrown away. */
export interface Projection {
  /** Of its table, too. */
  name: string;
  /** Raise it when schema, handlers or `state` change. */
  version: number;
  /** SQL that makes its table, under the name given: a new one is made beside the old one and takes its name at the end. */
  schema: (table: string) => string;
  on: Readonly<Record<string, Handler>>;
  /**
   * Puts in what the state of one stream is worth. With it the projection is made anew from the states at some row, which costs the number
   * of streams; without it, from all rows that retention has left, which costs the number of events.
   */
  state?: (db: Db, stream: StreamNow, table: string) => void;
}

type Statement = ReturnType<typeof prepare>;

const prepare = (db: Db, sql: string) => db.prepare(sql);

const statements = new WeakMap<Db, Map<string, Statement>>();

/** A statement, prepared once a connection: a handler runs for every row. */
export function prepared(db: Db, sql: string): Statement {
  let known = statements.get(db);
  if (!known) statements.set(db, (known = new Map<string, Statement>()));
  let statement = known.get(sql);
  if (!statement) known.set(sql, (statement = prepare(db, sql)));
  return statement;
}

export const defineProjection = (projection: Projection): Projection => projection;
