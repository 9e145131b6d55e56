import type { Probe } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import { messageOf } from "../base/errors.ts";
import type { Children } from "../pid1/children.ts";
import { type Answer, no, YES } from "./answer.ts";
import type { Nofile } from "./nofile.ts";
import { createPrograms } from "./programs.ts";
import type { Surroundings } from "./surroundings.ts";

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

interface CommandsDeps {
  children: Children;
  nofile: Nofile;
  /** Those of the service. @throws SpawnProblem */
  surroundings: (asker: Asker) => Promise<Surroundings>;
  /** So many starts at once: each may hang in a thread of libuv's pool, on a dead mount. */
  atOnce?: number;
}

const NOWHERE = { stdout: "/dev/null", stderr: "/dev/null" };

export function createCommands({ surroundings, ...rest }: CommandsDeps): Commands {
  const programs = createPrograms(rest);
  const busy = new Set<string>();

  return {
    ask: async (asker, { command }, signal) => {
      const name = `\`${command[0]}\``;
      const { incarnation } = asker;
      if (busy.has(incarnation)) return no(`${name}: the one before it could not be ended yet`);
      busy.add(incarnation);
      try {
        const program = { command, ...(await surroundings(asker)), ...NOWHERE };
        const status = await programs.run(program, signal);
        if (status === undefined) return no(`${name} was not started in time`);
        return status.code === 0 ? YES : no(`${name} ${exitInWords(status)}`);
      } catch (error) {
        return no(messageOf(error));
      } finally {
        busy.delete(incarnation);
      }
    },
  };
}
