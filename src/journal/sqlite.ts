import Database from "better-sqlite3";

export type Db = Database.Database;

/** How long to wait for a lock that another connection holds, in milliseconds. */
export const BUSY_MS = 5_000;

/** SQLite's name of an error, such as `SQLITE_FULL`, or "" where it is none of SQLite's. */
export const codeOf = (error: unknown): string =>
  error instanceof Database.SqliteError ? error.code : "";

/** True where the disk, or the room the database may take, is full. */
export const isFull = (error: unknown): boolean => codeOf(error) === "SQLITE_FULL";

/** True where a rule of the tables refused a row: a constraint or one of our triggers. */
export const isConstraint = (error: unknown): boolean =>
  codeOf(error).startsWith("SQLITE_CONSTRAINT");

/** Runs `prepare` on a fresh connection and closes it again where that fails. */
export function preparedBy(db: Db, prepare: (db: Db) => void): Db {
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
