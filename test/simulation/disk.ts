import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { databaseFile } from "../../src/journal/database.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { type Random, seeded } from "../support/random.ts";
import type { Chance } from "./chance.ts";
import type { Scheduler } from "./scheduler.ts";

/** How one commit fails: its sync, after which the kernel's cache holds the batch or does not. */
export type SyncFault = "held" | "lost";

/** What becomes of a commit that is on its way when its daemon dies. */
export type Fate = "none" | "done" | "torn";

const FILES = ["", "-wal"];
/** What a disk writes whole. */
const SECTOR = 512;
/** SQLite's `PRAGMA synchronous`: from 1 on a checkpoint is synced, from 2 on each commit is. Source: sqlite.org/pragma.html. */
const NORMAL = 1;
const FULL = 2;
const NO_LIMIT = 1_073_741_823;

/**
 * The disk under the event log: a real directory with a real SQLite file, of which it remembers what was synced.
 *
 * Each life of a daemon has a directory of its own, made of what the one before it left: so the old one's connections can be closed without its files being tidied.
 */
export class Disk {
  /** A call to the store takes up to so many milliseconds. */
  slowMs = 1;
  directory: string;
  /** Which life of a daemon it serves. */
  life = 1;
  readonly #root: string;
  readonly #chance: Chance;
  readonly #scheduler: Scheduler;
  #fault: SyncFault | undefined;
  #stuckMs = 0;
  #fullUntil = 0;
  #isStuck = false;
  #writing: Db | undefined;
  /** Where the files are as they were when something was first not synced. */
  #synced: string | undefined;

  constructor(root: string, chance: Chance, scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#root = root;
    this.#chance = chance;
    this.directory = join(root, "1");
  }

  /** A connection for writing was opened; whatever it found in the file is on the disk, if its settings say so. */
  opened(db: Db): void {
    this.#writing = db;
    this.#limit();
    if (levelOf(db) >= NORMAL) this.#forgetCopy();
  }

  /** Within a transaction, at its end: the place for a sync to fail. @throws SqliteError */
  commits(db: Db): void {
    if (levelOf(db) < FULL) this.#keepCopy();
    const fault = this.#fault;
    if (!fault) return;
    this.#fault = undefined;
    this.#keepCopy();
    if (this.#stuckMs > 0) this.#sticks();
    if (fault === "held") db.exec("COMMIT");
    throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
  }

  /** The next commit's sync fails, and nothing can be opened for so long after it, in milliseconds. */
  failNext({ fault, stuckMs }: { fault: SyncFault; stuckMs: number }): void {
    this.#fault = fault;
    this.#stuckMs = stuckMs;
  }

  /** The file cannot grow for so long, in milliseconds. */
  fills(forMs: number): void {
    this.#fullUntil = this.#scheduler.now + forMs;
    this.#limit();
    this.#scheduler.after(forMs, () => this.#limit());
  }

  /** Nothing can be opened any more: the directory is refused, as one that others could write to. */
  stick(isStuck: boolean): void {
    this.#isStuck = isStuck;
    if (existsSync(this.directory)) chmodSync(this.directory, isStuck ? 0o777 : 0o700);
  }

  #sticks(): void {
    this.stick(true);
    this.#scheduler.after(this.#stuckMs, () => this.stick(false));
    this.#stuckMs = 0;
  }

  mend(): void {
    this.#fault = undefined;
    this.#stuckMs = 0;
    this.stick(false);
    this.slowMs = 1;
    this.#fullUntil = 0;
    this.#limit();
  }

  /** The files as they are now, before something that may be cut off in its middle. */
  remember(): string {
    const copy = join(this.#root, "before");
    copyState(this.directory, copy);
    return copy;
  }

  /**
   * The daemon is gone; the next one finds what is left.
   *
   * @param before the files before the commit that was cut off in its middle, if one was
   * @param isPowerCut what was not synced can be lost
   * @param close closes the old connections, when the files are safe
   */
  leave(options: { before?: string; isPowerCut: boolean; close: () => void }): void {
    const { before, isPowerCut, close } = options;
    const old = this.directory;
    this.life += 1;
    this.directory = join(this.#root, `${this.life}`);
    const isLost = isPowerCut && this.#chance.draw(`unsynced ${this.life}`) < 0.7;
    copyState(isLost && this.#synced !== undefined ? this.#synced : old, this.directory);
    if (before !== undefined) this.#tear(before, isPowerCut);
    if (isPowerCut) this.#forgetCopy();
    this.#writing = undefined;
    this.stick(this.#isStuck);
    close();
    rmSync(old, { recursive: true, force: true });
  }

  /** Of what the last commit wrote only a part is there: after a kill its beginning, after a power cut any sectors. */
  #tear(before: string, isPowerCut: boolean): void {
    // What cuts the WAL to nothing has synced the file first: nothing is left to be torn.
    const wal = bytesOf(this.directory, "-wal").length;
    if (wal === 0 || wal < bytesOf(before, "-wal").length) return;
    const random = seeded(this.#chance.whole(`torn ${this.life}`, 0, 2 ** 31));
    const isCheckpoint = !sameBytes(bytesOf(before, ""), bytesOf(this.directory, ""));
    const file = isCheckpoint ? "" : "-wal";
    const torn = tornBytes(
      bytesOf(before, file),
      bytesOf(this.directory, file),
      random,
      isPowerCut,
    );
    writeFileSync(`${databaseFile(this.directory)}${file}`, torn);
  }

  #limit(): void {
    const db = this.#writing;
    if (!db?.open) return;
    const pages = Number(db.pragma("page_count", { simple: true }));
    const isFull = this.#fullUntil > this.#scheduler.now;
    db.pragma(`max_page_count = ${isFull ? pages : NO_LIMIT}`);
  }

  #keepCopy(): void {
    if (this.#synced !== undefined) return;
    this.#synced = join(this.#root, "synced");
    copyState(this.directory, this.#synced);
  }

  #forgetCopy(): void {
    this.#synced = undefined;
  }
}

const levelOf = (db: Db): number => Number(db.pragma("synchronous", { simple: true }));

function copyState(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const file of FILES) {
    const path = `${databaseFile(from)}${file}`;
    if (existsSync(path)) copyFileSync(path, `${databaseFile(to)}${file}`);
  }
}

function bytesOf(directory: string, file: string): Buffer {
  const path = `${databaseFile(directory)}${file}`;
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

const sameBytes = (one: Buffer, other: Buffer): boolean => one.equals(other);

function tornBytes(old: Buffer, fresh: Buffer, random: Random, isAnyOrder: boolean): Buffer {
  const torn = Buffer.from(fresh);
  const changed: number[] = [];
  for (let at = 0; at < fresh.length; at += SECTOR) {
    const isSame = old.subarray(at, at + SECTOR).equals(fresh.subarray(at, at + SECTOR));
    if (!isSame) changed.push(at);
  }
  const kept = random.below(changed.length + 1);
  changed.forEach((at, place) => {
    const isWritten = isAnyOrder ? random.next() < 0.5 : place < kept;
    if (isWritten) return;
    torn.fill(0, at, Math.min(at + SECTOR, torn.length));
    if (at < old.length) old.copy(torn, at, at, Math.min(at + SECTOR, old.length));
  });
  return torn;
}
