import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { BUSY_MS, codeOf, type Db, preparedBy } from "./sqlite.ts";

/**
 * A read-only connection to a WAL database, whether its writer lives, was killed, or ended well.
 *
 * A WAL database is read with the help of its `-shm` file. A living writer has made it, after a kill it is left, and otherwise SQLite makes it, for
 * which it must be able to write to the directory. Where it cannot (a read-only mount), no writer is at work, so a copy holds the whole log. SQLite
 * has a way without one, the URI parameter `immutable`, but it misses what a WAL holds, and better-sqlite3 is built without URIs.
 *
 * Source: sqlite.org/wal.html, "Read-Only Databases".
 */
export function openReadOnly(file: string): Db {
  try {
    const db = new Database(file, { readonly: true, timeout: BUSY_MS });
    // SQLite looks at a file when it is asked something, not when it is opened.
    return preparedBy(db, () => db.prepare("SELECT count(*) FROM sqlite_schema").get());
  } catch (error) {
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(codeOf(error))) throw error;
    return openCopy(file);
  }
}

/** The copy is unlinked at once and lives as long as the connection. */
function openCopy(file: string): Db {
  const directory = mkdtempSync(join(tmpdir(), "sprite-env-read-"));
  try {
    const copy = join(directory, "events.db");
    for (const suffix of ["", "-wal"])
      if (existsSync(file + suffix))
        copyFileSync(file + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    return preparedBy(new Database(copy), (db) => {
      db.pragma("journal_mode = DELETE"); // folds the WAL in
      db.pragma("query_only = ON");
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
