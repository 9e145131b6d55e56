import type { AppendedRow } from "../journal/append.ts";
import type { Db } from "../journal/sqlite.ts";

/** Folds one row into a projection's own table. SQL and an `if`: every append waits for it. */
export type Handler = (db: Db, appended: AppendedRow) => void;

/** A read model: tables that a fold of the log gives, and that can be thrown away. */
export interface Projection {
  name: string;
  /** Raise it when schema or handlers change. */
  version: number;
  schema: string;
  on: Readonly<Record<string, Handler>>;
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
