import { join } from "node:path";
import Database from "better-sqlite3";

/** A row of the event log as it lies in the file, its data read. */
export interface Row {
  seq: number;
  id: string;
  stream: string;
  type: string;
  data: Readonly<Record<string, unknown>>;
  at: number;
  wall: number;
  boot_id: string;
  incarnation: string | null;
  cause: string | null;
  actor: string;
  from_state: string | null;
  to_state: string;
}

/** Asks the log of a state directory, whether a daemon has it or not. */
export function queryLog<Result>(
  stateDir: string,
  query: (db: Database.Database) => Result,
): Result {
  const db = new Database(join(stateDir, "events.db"), { readonly: true, fileMustExist: true });
  try {
    return query(db);
  } finally {
    db.close();
  }
}

/** All rows of a log, or those from a sequence number on. */
export const rowsOf = (stateDir: string, from = 1): Row[] =>
  queryLog(stateDir, (db) =>
    db
      .prepare<[number], Row & { data: string }>("SELECT * FROM events WHERE seq >= ? ORDER BY seq")
      .all(from)
      .map((row) => ({ ...row, data: JSON.parse(row.data) as Row["data"] })),
  );
