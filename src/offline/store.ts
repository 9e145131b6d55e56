import { existsSync, statSync } from "node:fs";
import { AppError } from "../base/errors.ts";
import { databaseFile, openForReading } from "../journal/database.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { eventReader } from "../journal/read.ts";
import type { EventRow } from "../journal/record.ts";
import type { Db } from "../journal/sqlite.ts";
import { ENVIRONMENT } from "../runtime/group.ts";

/** The store of a state directory, open for reading. */
export interface Store {
  stateDirectory: string;
  /** Path of the database. */
  file: string;
  db: Db;
  reader: EventReader;
  close(): void;
}

/**
 * Opens a store for questions about the past, over a read-only connection and without the state lock.
 *
 * It is what a live daemon has committed, too: whoever reads it here, in a process of its own, takes nothing from the daemon's
 * loop. So a socket is asked only for what it alone can give: which store is its daemon's, and rows that are yet to come.
 *
 * @throws AppError `unauthorized` where the files are not for us; else as `openForReading`
 */
export function openStore(stateDir: string): Store {
  const db = readable(stateDir);
  return {
    stateDirectory: stateDir,
    file: db.name,
    db,
    reader: eventReader(db),
    close: () => void db.close(),
  };
}

/** Whether a log lies there, as far as we may look. */
export const hasStore = (stateDir: string): boolean => existsSync(databaseFile(stateDir));

function readable(stateDir: string): Db {
  try {
    return openForReading(stateDir);
  } catch (error) {
    throw isDenied(error) ? notForUs(stateDir, error) : error;
  }
}

function isDenied(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
  return code === "EACCES" || code === "EPERM";
}

const notForUs = (stateDir: string, cause: unknown): AppError =>
  new AppError(
    "unauthorized",
    `the event log in ${stateDir} may be read by its daemon's own user alone: run this as ${ownerOf(stateDir)}`,
    { cause },
  );

function ownerOf(stateDir: string): string {
  try {
    return `user ${statSync(databaseFile(stateDir)).uid}`;
  } catch {
    return "that user"; // not even the directory may be looked into
  }
}

const logDirIn = ({ data }: EventRow): string => data["logDir"] as string; // as boot.ts wrote it

/** Where the newest daemon wrote the logs of services; undefined where none ever began. */
export function logDirOf({ reader }: Store): string | undefined {
  for (let before = Number.MAX_SAFE_INTEGER; ;) {
    const rows = reader.newest(50, { stream: ENVIRONMENT, before });
    const booted = rows.findLast(({ type }) => type === "environment.booted");
    if (booted) return logDirIn(booted);
    const [oldest] = rows;
    if (!oldest) break;
    before = oldest.seq;
  }
  const archived = reader
    .archived(ENVIRONMENT)
    .findLast(({ type }) => type === "environment.booted");
  return archived && logDirIn(archived);
}

/**
 * Whether a daemon's log is the one of this store: its newest row is here, too.
 *
 * @param head of the daemon's log, as it told it
 */
export const holds = ({ reader }: Store, head: { seq: number; hash: string }): boolean =>
  head.seq === 0
    ? reader.head().seq === 0
    : [reader.bySeq(head.seq), reader.anchor()].some(
        (one) => one?.seq === head.seq && one.hash === head.hash,
      );
