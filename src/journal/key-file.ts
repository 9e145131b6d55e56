import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { checkOwner, quoted } from "./state-directory.ts";

const KEY_BYTES = 32;

/** The key that seals values of `env`, beside the database. */
export const keyFile = (stateDirectory: string): string => join(stateDirectory, "env.key");

/**
 * The key, or nothing where there is no key file.
 *
 * @throws AppError `storage_foreign` where others can read it or it is another user's; `storage_failed` where it is not a key
 */
export function readKey(stateDirectory: string): Buffer | undefined {
  const file = keyFile(stateDirectory);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  checkOwner(file, stats);
  if (stats.mode & 0o077)
    throw new AppError(
      "storage_foreign",
      `the key file ${file} is open to other users: chmod 600 ${quoted(file)}`,
    );
  const key = readFileSync(file);
  if (key.length === KEY_BYTES) return key;
  throw new AppError(
    "storage_failed",
    `the key file ${file} has ${key.length} bytes instead of ${KEY_BYTES}: restore it`,
    { details: { reason: "key_wrong" } },
  );
}

/**
 * The key; a new one, safe on disk before it is used, where there is none. Only the daemon that has the state lock may call it.
 *
 * @param mayMake whether nothing is sealed yet: a second key beside values of the first would make both needed for ever
 * @throws AppError `storage_failed` where the key is gone
 */
export function readOrMakeKey(stateDirectory: string, mayMake: () => boolean): Buffer {
  const found = readKey(stateDirectory);
  if (found) return found;
  if (!mayMake()) {
    throw new AppError(
      "storage_failed",
      `the key file ${keyFile(stateDirectory)} is gone, and values sealed with it are stored: restore it before new ones are set`,
      { details: { reason: "key_missing" } },
    );
  }
  const key = randomBytes(KEY_BYTES);
  const fresh = `${keyFile(stateDirectory)}.new`;
  rmSync(fresh, { force: true }); // of a daemon that died right here
  withDescriptor(fresh, "wx", (fd) => {
    writeSync(fd, key);
    fsyncSync(fd);
  });
  renameSync(fresh, keyFile(stateDirectory));
  withDescriptor(stateDirectory, "r", fsyncSync);
  return key;
}

function withDescriptor(path: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
