import type { Probe } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import { exitInWords } from "../../machines/service-context.ts";
import { messageOf } from "../base/errors.ts";
import type { Children } from "../pid1/children.ts";
import { posixSpawn } from "../posix/spawn.ts";
import { type Answer, no, YES } from "./answer.ts";
import { explainRefusal, findProgram, type Place } from "./program.ts";

/** Where a command runs: directory and environment. */
export interface Surroundings {
  dir: string;
  env: Readonly<Record<string, string>>;
}

/** Whose check a command belongs to. */
export interface Asker {
  stream: string;
  incarnation: string;
}

/** Runs the commands of checks. */
export interface Commands {
  /**
   * Exit code 0 is a yes. In a session of its own, with no input and its output dropped; when it is aborted, or its main process ended, its whole group gets KILL.
   *
   * @param asker has one command at a time: while one cannot be ended, or its start hangs, the next are answered no
   * @returns once the process is gone, which an abort hastens
   */
  ask(asker: Asker, probe: Extract<Probe, { kind: "exec" }>, signal: AbortSignal): Promise<Answer>;
}

export interface CommandsDeps {
  children: Children;
  surroundings: (asker: Asker) => Surroundings;
  /** So many starts at once: each may hang in a thread of libuv's pool, on a dead mount. */
  atOnce?: number;
}

export function createCommands(deps: CommandsDeps): Commands {
  const { children, surroundings, atOnce = 4 } = deps;
  const busy = new Set<string>();
  const queue: (() => void)[] = [];
  let starting = 0;

  /** Resolves when fewer commands are being started. */
  async function turn(): Promise<void> {
    if (starting >= atOnce) await new Promise<void>((resolve) => queue.push(resolve));
    else starting += 1;
  }
  function done(): void {
    const next = queue.shift();
    if (next) next();
    else starting -= 1;
  }

  async function start(
    command: readonly string[],
    { dir, env }: Surroundings,
    signal: AbortSignal,
  ) {
    await turn();
    try {
      if (signal.aborted) return undefined;
      const place: Place = { dir, searchPath: env["PATH"] ?? "" };
      const path = await findProgram(command[0] ?? "", place);
      if (signal.aborted) return undefined;
      const output = { stdout: "/dev/null", stderr: "/dev/null" };
      return await posixSpawn({ path, argv: command, env, dir, ...output }).catch(
        async (error: unknown) => {
          throw await explainRefusal(error, path, dir);
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
    ask: async (asker, { command }, signal) => {
      const name = `\`${command[0]}\``;
      const { incarnation } = asker;
      if (busy.has(incarnation)) return no(`${name}: the one before it could not be ended yet`);
      busy.add(incarnation);
      try {
        const pid = await start(command, surroundings(asker), signal);
        if (pid === undefined) return no(`${name} was not started in time`);
        const status = await ended(pid, signal);
        return status.code === 0 ? YES : no(`${name} ${exitInWords(status)}`);
      } catch (error) {
        return no(messageOf(error));
      } finally {
        busy.delete(incarnation);
      }
    },
  };
}
