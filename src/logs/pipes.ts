import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { closeFifo, mkfifo, openFifoToRead, setPipeSize } from "../posix/fifo.ts";
import { failedWith, reasonOf } from "./directory.ts";

const INCARNATION = /^[A-Za-z0-9_-]{1,64}$/;
const PIPE_BYTES = 1 << 20;
/** Owner reads and writes; others may open for writing, as `/dev/stdout` does. The directory around it is 0700. */
const PIPE_MODE = 0o622;

/** Paths of the two pipes of an incarnation. */
export interface PipePaths {
  stdout: string;
  stderr: string;
}

/** Our two ends of one pipe. */
export interface PipeEnds {
  read: number;
  /** Open for writing: while we have it the pipe has no end, even if nobody else has opened it yet. */
  hold: number;
}

/** Whether a name can be that of an incarnation's directory. */
export const isIncarnation = (id: string): boolean => INCARNATION.test(id);

/**
 * Where an incarnation's pipes are.
 * @throws AppError `invalid_request` for an id that could lead out of the directory
 */
export function pipePaths(runDir: string, incarnation: string): PipePaths {
  if (!isIncarnation(incarnation)) {
    throw new AppError("invalid_request", `"${incarnation}" is no id of an incarnation`);
  }
  return pathsIn(join(runDir, incarnation));
}

const pathsIn = (directory: string): PipePaths => ({
  stdout: join(directory, "out"),
  stderr: join(directory, "err"),
});

/**
 * Makes the pipes of an incarnation; those that are there are kept.
 * @throws AppError `log_directory_unusable`
 */
export function makePipes(runDir: string, incarnation: string): PipePaths {
  const paths = pipePaths(runDir, incarnation);
  try {
    makePipesIn(join(runDir, incarnation));
  } catch (error) {
    const message = `pipes for a service's output cannot be made in ${runDir}: ${reasonOf(error)}; make it writable or choose another --state-dir`;
    throw new AppError("log_directory_unusable", message, {
      cause: error,
      details: { path: runDir },
    });
  }
  return paths;
}

/** Makes a directory with two pipes, or what is missing of them. Throws what the file system throws. */
export function makePipesIn(directory: string): void {
  const { stdout, stderr } = pathsIn(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  makePipe(stdout);
  makePipe(stderr);
}

function makePipe(path: string): void {
  try {
    mkfifo(path, PIPE_MODE);
  } catch (error) {
    if (!failedWith(error, "EEXIST") || !lstatSync(path).isFIFO()) throw error;
  }
}

/** Opens both our ends, with as much room in the pipe as the kernel gives. Throws what the file system throws. */
export function openPipe(path: string): PipeEnds {
  const { O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const read = openFifoToRead(path);
  try {
    if (!fstatSync(read).isFIFO()) throw new Error(`${path} is no pipe`);
    setPipeSize(read, PIPE_BYTES);
    return { read, hold: openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW) };
  } catch (error) {
    closeFifo(read);
    throw error;
  }
}

/** Closes both our ends, where nobody reads them yet. */
export function closePipe({ read, hold }: PipeEnds): void {
  closeSync(hold);
  closeFifo(read);
}

/** Removes what `makePipes` made; what is not there is not missed. Throws what else the file system throws. */
export function removePipes(runDir: string, incarnation: string): void {
  pipePaths(runDir, incarnation); // refuses a name that leads out of the directory
  removePipesIn(join(runDir, incarnation));
}

/** Removes what `makePipesIn` made; what is not there is not missed. Throws what else the file system throws. */
export function removePipesIn(directory: string): void {
  const { stdout, stderr } = pathsIn(directory);
  const steps = [() => unlinkSync(stdout), () => unlinkSync(stderr), () => rmdirSync(directory)];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
    }
  }
}
