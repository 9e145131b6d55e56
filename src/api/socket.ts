import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { ensureDirectory } from "../base/directories.ts";
import { AppError, messageOf } from "../base/errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "../config/places.ts";
import { gidOf } from "./group.ts";

/** A Unix socket as it is asked for. */
export interface SocketOptions {
  path: string;
  mode: number;
  /** Name or number of a group; undefined: our own. */
  group: string | undefined;
}

/** A live daemon answers within microseconds; one that is stopped (SIGSTOP) still has its backlog. */
const ANSWER_MS = 2_000;

const unusable = (path: string, message: string, cause?: unknown): AppError =>
  new AppError("socket_unusable", `the API socket ${path} cannot be used: ${message}`, { cause });

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Whether anybody listens: a refused connection means that the file was left behind. Anything unclear counts as somebody. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (live: boolean): void => {
      socket.destroy();
      resolve(live);
    };
    socket.setTimeout(ANSWER_MS, () => done(true));
    socket.once("connect", () => done(true));
    socket.once("error", (error) =>
      done(codeOf(error) !== "ECONNREFUSED" && codeOf(error) !== "ENOENT"),
    );
  });
}

/**
 * Refuses a path that something else has: a daemon that answers, or a file that is no socket. A socket that nobody listens on may be replaced.
 *
 * @throws AppError `socket_unusable`
 */
async function refuseTaken(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) {
    throw unusable(
      path,
      "there is a file that is no socket: remove it, or name another place with --socket",
    );
  }
  if (await isLive(path)) {
    throw new AppError(
      "daemon_running",
      `another daemon answers on the API socket ${path}: stop that one, or name another place with --socket`,
    );
  }
}

/** The directory is made as narrow as the socket: where others may use the socket, they must be able to reach it. */
const makeDirectory = (path: string, mode: number): void =>
  void ensureDirectory(dirname(path), (mode & 0o077) === 0 ? 0o700 : 0o755);

/** A path to a file in a directory that bind(2) takes, however long the directory's own path is. */
const shortPath = (directory: string, handle: number): string => {
  const path = join(directory, "s");
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? path : `/proc/self/fd/${handle}/s`;
};

/**
 * Has `listen` bind a socket in a private directory beside the path, gives it mode and group there, and only then moves
 * it to the path. So nobody can connect earlier or with wider rights than asked, and a socket left behind by a dead
 * daemon is replaced in one step.
 */
async function bindBeside(
  options: SocketOptions,
  listen: (path: string) => Promise<unknown>,
): Promise<void> {
  const { path, mode, group } = options;
  const directory = mkdtempSync(join(dirname(path), ".s-"));
  const handle = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const bound = join(directory, "s");
  try {
    await listen(shortPath(directory, handle));
    if (group !== undefined) chownSync(bound, -1, gidOf(group));
    chmodSync(bound, mode);
    renameSync(bound, path);
  } finally {
    closeSync(handle);
    rmSync(bound, { force: true });
    rmdirSync(directory);
  }
}

/** Removes the socket's file if it is still the one that was made. */
function removeOwn(path: string, inode: number): void {
  try {
    if (lstatSync(path).ino === inode) unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error; // somebody removed it: done
  }
}

/**
 * Makes a Unix socket and listens on it.
 *
 * @param listen binds and listens on the path it is given
 * @returns removes the socket's file again
 * @throws AppError `socket_unusable` where the path is taken or cannot be made; `config_invalid` for an unknown group
 */
export async function listenOnSocket(
  options: SocketOptions,
  listen: (path: string) => Promise<unknown>,
): Promise<() => void> {
  const { path, mode } = options;
  try {
    await refuseTaken(path);
    makeDirectory(path, mode);
    await bindBeside(options, listen);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unusable(path, `${messageOf(error)}; name another place with --socket`, error);
  }
  const { ino } = lstatSync(path);
  return () => removeOwn(path, ino);
}
