import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { AppError, messageOf } from "../base/errors.ts";
import { migrate, missingMigrations, ourMigrations } from "./migrate.ts";
import { openReadOnly } from "./read-only.ts";
import { BUSY_MS, codeOf, type Db, isFull, preparedBy } from "./sqlite.ts";
import { checkOwner, ensureStateDirectory } from "./state-directory.ts";

/** The WAL is kept at this size and overwritten from its start: a third faster than one that grows. */
const WAL_BYTES = 4 * 1024 * 1024;
/** A WAL frame is a page and its header. Source: sqlite.org/fileformat2.html, section 4.1. */
const FRAME_BYTES = 4096 + 24;
/** How long the WAL's readers are waited for when it is to be emptied: theirs are short questions. */
const READERS_MS = 250;
const WAL_FRAMES = Math.floor(WAL_BYTES / FRAME_BYTES);

/** The event log's file. Only SQLite may open it: closing any other descriptor on it drops SQLite's locks (sqlite.org/howtocorrupt.html, 2.2). */
export const databaseFile = (stateDirectory: string): string => join(stateDirectory, "events.db");

/**
 * Opens the log for its one writer, who holds the state lock: makes directory and file where they are missing, brings what the WAL holds into the
 * file, migrates.
 *
 * @param options.settled fail unless everything in the file is on the disk, not in the kernel's cache alone (after an I/O error)
 * @throws AppError `storage_foreign`, `storage_newer`, `migration_edited`, `storage_full`, `storage_failed`, `log_corrupt`
 */
export function openForWriting(stateDirectory: string, options = { settled: false }): Db {
  ensureStateDirectory(stateDirectory);
  const file = databaseFile(stateDirectory);
  return opening(file, () => {
    ensurePrivateFile(file);
    return preparedBy(new Database(file, { timeout: BUSY_MS }), (db) => {
      setPragmas(db);
      emptyWal(db, options.settled);
      migrate(db, ourMigrations(), Date.now());
    });
  });
}

/**
 * Opens the log for reading, beside a writer in this or another process, or with none.
 *
 * @throws AppError `not_found` where there is no log, `storage_newer`, `migration_edited`, `storage_failed`, `log_corrupt`
 */
export function openForReading(stateDirectory: string): Db {
  const file = databaseFile(stateDirectory);
  return opening(file, () => {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) throw noLog(stateDirectory);
    return preparedBy(openReadOnly(file), checkTables);
  });
}

/**
 * For when nothing else is to be done: brings the WAL to its size, unless it has it, and copies it into the file, so that the next burst overwrites it.
 *
 * It is for speed only: what fails here is left for the next time.
 */
export const tidyWal = (db: Db): void =>
  ifPossible(() => {
    fillWal(db);
    db.pragma("wal_checkpoint(PASSIVE)");
  });

/** Ends a connection for writing; all of the log is then in the one file, unless it is being read or cannot be written. */
export function closeDatabase(db: Db): void {
  ifPossible(() => emptyWal(db, false));
  db.close();
}

/** What SQLite cannot do now stays in the WAL. */
function ifPossible(upkeep: () => void): void {
  try {
    upkeep();
  } catch (error) {
    if (codeOf(error) === "") throw error;
  }
}

/** Writes one page over and over, unsynced. */
function fillWal(db: Db): void {
  if (walFrames(db) >= WAL_FRAMES) return;
  const touch = db.prepare("UPDATE log_head SET only = only");
  db.pragma("wal_autocheckpoint = 0"); // a checkpoint is to be synced
  db.pragma("synchronous = OFF");
  try {
    // It may begin at the start of a WAL that has some length.
    for (let left = 2 * WAL_FRAMES; left > 0 && walFrames(db) < WAL_FRAMES; left -= 1) touch.run();
  } finally {
    setPragmas(db);
  }
}

function walFrames(db: Db): number {
  const stats = statSync(`${db.name}-wal`, { throwIfNoEntry: false });
  return Math.floor((stats?.size ?? 0) / FRAME_BYTES);
}

function setPragmas(db: Db): void {
  db.pragma("auto_vacuum = INCREMENTAL"); // heeded while there is no table yet
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL"); // in WAL mode: fsync at every commit
  db.pragma("foreign_keys = ON");
  db.pragma(`journal_size_limit = ${2 * WAL_BYTES}`); // room for the batch that goes over
  db.pragma(`wal_autocheckpoint = ${WAL_FRAMES}`);
}

/**
 * Copies the WAL into the file, syncs that, and cuts the WAL to nothing.
 *
 * A page of the WAL whose fsync failed can be in the kernel's cache and not on the disk. Only an empty WAL proves that none is needed any more:
 * after a power cut, what is left of one would be laid over the newer pages in the file.
 */
function emptyWal(db: Db, mustSucceed: boolean): void {
  db.pragma(`busy_timeout = ${READERS_MS}`);
  const [result] = db.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
  db.pragma(`busy_timeout = ${BUSY_MS}`);
  if (result?.busy === 0 || !mustSucceed) return;
  throw new AppError("storage_failed", `${db.name} is being read, which keeps its WAL in use`);
}

/** An empty file is a database without tables, and SQLite gives WAL and -shm its mode. `wx`: nobody can have a file open that was not there. */
function ensurePrivateFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return closeSync(openSync(file, "wx", 0o600));
  checkOwner(file, stats);
  if ((stats.mode & 0o777) !== 0o600) chmodSync(file, 0o600);
}

/** A reader cannot add tables, and must not take a newer release's for its own. */
function checkTables(db: Db): void {
  const [first] = missingMigrations(db, ourMigrations());
  if (first === undefined) return;
  throw new AppError(
    "storage_failed",
    `the event log ${db.name} lacks ${first.name}: start this release's daemon once, which adds it`,
  );
}

const noLog = (stateDirectory: string): AppError =>
  new AppError(
    "not_found",
    `there is no event log in ${stateDirectory}: no daemon has run with this state directory yet`,
  );

/** Turns errors of SQLite and the file system into sentences. */
function opening(file: string, open: () => Db): Db {
  try {
    return open();
  } catch (error) {
    throw error instanceof AppError ? error : openError(file, error);
  }
}

function openError(file: string, cause: unknown): AppError {
  const why = messageOf(cause);
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(cause)))
    return new AppError(
      "log_corrupt",
      `${file} is damaged (${why}): move it away and restore a copy, or name another state directory`,
      { cause },
    );
  if (isFull(cause))
    return new AppError("storage_full", `the disk of ${file} is full: free some space`, { cause });
  return new AppError(
    "storage_failed",
    `the event log ${file} cannot be opened (${why}): look at its permissions and its disk`,
    { cause },
  );
}
