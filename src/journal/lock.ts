import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, messageOf } from "../base/errors.ts";
import { tryLock } from "../posix/flock.ts";
import { isRunning, type LockHolder, lockHolders } from "./lock-holders.ts";
import { ensureStateDirectory } from "./state-directory.ts";

/** Who has a state directory, as the lock file names it. */
export interface LockOwner {
  pid: number;
  /** Field 22 of /proc/pid/stat; "" where there is no /proc. */
  startTime: string;
  /** Path of its API socket. */
  socket: string;
  /** Of the release. */
  version: string;
  /** When it took the lock: milliseconds since the epoch. */
  since: number;
}

/** One daemon's hold on its state directory: until it is released or the process is gone. */
export interface StateLock {
  release(): void;
}

/** How long a lock whose owner is gone may be busy: a child of it between fork and exec. */
const ORPHANED_MS = 2_000;
const POLL_MS = 50;

/** The file that is locked. It stays when the lock is released: who removed it could remove another's. */
export const lockFile = (stateDirectory: string): string => join(stateDirectory, "lock");

/**
 * Makes this process the one daemon of a state directory, which is made where it is missing.
 *
 * @param directoryMode of a directory that has to be made
 * @throws AppError `storage_foreign`; `storage_failed` where nothing can be written; `daemon_running` with the owner in its details, and where the owner is gone but something
 *   still holds its lock, with `holders`: their pids, for the caller to judge and call again
 */
export async function acquireLock(
  stateDirectory: string,
  owner: LockOwner,
  directoryMode = 0o700,
): Promise<StateLock> {
  ensureStateDirectory(stateDirectory, directoryMode);
  const file = lockFile(stateDirectory);
  const fd = opened(file);
  try {
    await waitForLock(fd, file, stateDirectory);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  writeOwner(fd, owner);
  return { release: once(() => closeSync(fd)) };
}

function opened(file: string): number {
  try {
    return openSync(file, "a+", 0o600);
  } catch (error) {
    throw new AppError(
      "storage_failed",
      `the lock file ${file} cannot be opened (${messageOf(error)}): a daemon needs a state directory that it can write to, so look at its owner and how its disk is mounted`,
      { cause: error },
    );
  }
}

/** A descriptor that is closed twice may be another file's by then. */
function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}

async function waitForLock(fd: number, file: string, stateDirectory: string): Promise<void> {
  const end = performance.now() + ORPHANED_MS;
  while (!tryLock(fd)) {
    const owner = readOwner(file);
    if (owner && isRunning(owner)) throw running(stateDirectory, owner);
    if (performance.now() > end) throw orphaned(stateDirectory, owner, lockHolders(file));
    await delay(POLL_MS);
  }
}

/** On a full disk the lock is ours all the same, only without a name in it. */
function writeOwner(fd: number, owner: LockOwner): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${JSON.stringify(owner)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

/** Nothing where the file is empty or half written: its owner has just taken the lock. */
function readOwner(file: string): LockOwner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LockOwner; // only daemons write it, under the lock
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const named = ({ pid, version, since }: LockOwner): string =>
  `pid ${pid}, version ${version}, since ${new Date(since).toISOString()}`;

const running = (stateDirectory: string, owner: LockOwner): AppError =>
  new AppError(
    "daemon_running",
    `another daemon (${named(owner)}) has the state directory ${stateDirectory} and answers on ${owner.socket}: ` +
      `use that one, stop it with "kill ${owner.pid}", or name another state directory`,
    { details: { ...owner } },
  );

function orphaned(
  stateDirectory: string,
  owner: LockOwner | undefined,
  holders: readonly LockHolder[],
): AppError {
  const who = holders.map(({ pid, name }) => `${pid} (${name})`).join(", ");
  return new AppError(
    "daemon_running",
    `the state directory ${stateDirectory} is locked though its daemon (${owner ? named(owner) : "unnamed"}) is gone: ` +
      (who
        ? `${who} still holds the lock, end it`
        : "what holds the lock is out of our sight, in another container or of another user"),
    { details: { ...owner, holders: holders.map(({ pid }) => String(pid)) } },
  );
}
