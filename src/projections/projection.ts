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

export const defineProjection = (projection: Projection): Projection => projection;
