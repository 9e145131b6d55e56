import { randomUUID } from "node:crypto";
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Chores } from "./chores.ts";
import { lookAt } from "./directory.ts";
import { makePipes, makePipesIn, type PipePaths, pipePaths, removePipesIn } from "./pipes.ts";

/** Services that crash at the same moment and find pipes ready. */
const READY = 4;
/** No incarnation can have such a name. */
const READY_NAME = /^\.ready-/;

/**
 * Pipes that were made ahead, each pair in a directory that gets an incarnation's name when it is taken: to
 * make them takes a millisecond, which a service that crashed would wait for.
 */
interface PipeStock {
  /**
   * The pipes of an incarnation: those that are there, or a ready pair, or new ones.
   * @throws AppError `log_directory_unusable`
   */
  take(incarnation: string): PipePaths;
  /** Removes what earlier daemons had ready. Throws what the file system throws. */
  removeLeftovers(): void;
  /** Removes what is ready, and makes no more. */
  close(): void;
}

/** Has nothing ready until the first pair is taken, so that a daemon without services makes none. */
export function createPipeStock(runDir: string, chores: Chores): PipeStock {
  const ready: string[] = [];
  let ordered = 0;
  let closed = false;

  const order = (): void => {
    for (; ready.length + ordered < READY; ordered++) chores.add(makeOne);
  };
  const makeOne = (): void => {
    ordered -= 1;
    if (closed) return;
    const directory = join(runDir, `.ready-${randomUUID()}`);
    try {
      makePipesIn(directory);
      ready.push(directory);
    } catch {
      removeQuietly(directory); // the next incarnation tries by itself, and tells what is wrong
    }
  };
  return {
    take: (incarnation) => {
      const paths = pipePaths(runDir, incarnation);
      const directory = ready.shift();
      order();
      if (directory === undefined) return makePipes(runDir, incarnation);
      if (moved(directory, join(runDir, incarnation)) && isWhole(paths)) return paths;
      chores.add(() => removeQuietly(directory));
      return makePipes(runDir, incarnation);
    },
    removeLeftovers: () => {
      const ours = new Set(ready);
      for (const name of readdirSync(runDir).filter((entry) => READY_NAME.test(entry))) {
        const directory = join(runDir, name);
        if (!ours.has(directory)) removePipesIn(directory);
      }
    },
    close: () => {
      closed = true;
      for (const directory of ready.splice(0)) removeQuietly(directory);
    },
  };
}

/** False where the incarnation has pipes already, or somebody removed the ready ones. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false; // whatever it is, `makePipes` meets it too and tells
  }
}

/** A pair may be ready for weeks, and programs that clean up take what is old. */
const isWhole = ({ stdout, stderr }: PipePaths): boolean =>
  lookAt(stdout) !== undefined && lookAt(stderr) !== undefined;

/** What stays is empty pipes, which the next daemon removes. */
function removeQuietly(directory: string): void {
  try {
    removePipesIn(directory);
  } catch {
    return;
  }
}
