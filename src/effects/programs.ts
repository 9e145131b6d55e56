import type { ExitStatus } from "../../machines/service-events.ts";
import type { Children } from "../pid1/children.ts";
import { posixSpawn } from "../posix/spawn.ts";
import { findSetpriv, wrap } from "./launch.ts";
import type { Nofile } from "./nofile.ts";
import { explainRefusal, findProgram, type Place } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";

/** A program that is run for a service, beside its main process. */
export interface Program extends Surroundings {
  /** With its arguments. */
  command: readonly string[];
  /** Opened for reading and writing as its descriptors 1 and 2. */
  stdout: string;
  stderr: string;
}

/** Runs programs to their end. */
export interface Programs {
  /**
   * In a session of its own, with no input. When it is aborted, or its main process ended, its whole group gets KILL.
   *
   * @returns how it ended, once it is gone; undefined where it was aborted before it began
   * @throws SpawnProblem naming the program and why it cannot be run
   */
  run(program: Program, signal: AbortSignal): Promise<ExitStatus | undefined>;
}

interface ProgramsDeps {
  children: Children;
  nofile: Nofile;
  /** So many starts at once: each may hang in a thread of libuv's pool, on a dead mount. */
  atOnce?: number;
}

export function createPrograms({ children, nofile, atOnce = 4 }: ProgramsDeps): Programs {
  const queue: (() => void)[] = [];
  let starting = 0;

  /** Resolves when fewer programs are being started. */
  async function turn(): Promise<void> {
    if (starting >= atOnce) await new Promise<void>((resolve) => queue.push(resolve));
    else starting += 1;
  }
  function done(): void {
    const next = queue.shift();
    if (next) next();
    else starting -= 1;
  }

  async function start(program: Program, signal: AbortSignal) {
    const { command, dir, env, stdout, stderr, ...manner } = program;
    const { runAs } = manner;
    await turn();
    try {
      if (signal.aborted) return undefined;
      const tool = runAs ? await findSetpriv(process.env["PATH"]) : "";
      const place: Place = { dir, searchPath: env["PATH"] ?? "", runAs };
      const path = await findProgram(command[0] ?? "", place);
      if (signal.aborted) return undefined;
      const plan = { path, argv: command, env, dir, stdout, stderr };
      return await posixSpawn(wrap(plan, manner, nofile, tool).plan).catch(
        async (error: unknown) => {
          throw await explainRefusal(error, path, dir, runAs);
        },
      );
    } finally {
      done();
    }
  }

  /** In the tick in which the spawn answered: from here on its number is its own until it is reaped. */
  function ended(pid: number, signal: AbortSignal): Promise<ExitStatus> {
    const kill = () => void children.signalGroup(pid, "KILL");
    return new Promise((resolve) => {
      children.add(pid, (status) => {
        signal.removeEventListener("abort", kill);
        kill(); // what it left in its group
        children.reap(pid);
        resolve(status);
      });
      if (signal.aborted) kill();
      else signal.addEventListener("abort", kill);
    });
  }

  return {
    run: async (program, signal) => {
      const pid = await start(program, signal);
      return pid === undefined ? undefined : ended(pid, signal);
    },
  };
}
