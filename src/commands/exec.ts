import type { Readable } from "node:stream";

/** A command that somebody runs beside the main process. */
export interface ExecRequest {
  /** The program and its arguments. */
  command: readonly string[];
  /** What is executed in the place of the first word, which stays the program's name for itself. */
  path?: string;
  /** Over what the main process has. */
  env: Readonly<Record<string, string>>;
  /** In the place of the main process's directory. */
  dir?: string;
  /** Absent: it has no input. */
  stdin?: Readable;
}

/** Where its output goes. What is not taken yet holds the command up. */
export interface ExecOutput {
  stdout(data: Buffer): Promise<void>;
  stderr(data: Buffer): Promise<void>;
}

/**
 * Runs a command to its end, in the directory and environment of the main process, through the wrapper where there is one.
 *
 * @param left when it is given, the command gets TERM, and KILL 5 s later
 * @returns its exit code: 128 and the number for a signal, 127 where there is no such program, 126 where it cannot be run (the reason is on stderr)
 */
export type RunCommand = (
  request: ExecRequest,
  output: ExecOutput,
  left: AbortSignal,
) => Promise<number>;

/** Whether what a command runs beside is there. */
export interface Readiness {
  /**
   * Resolves when the main process and the components are up, or the main process has ended and will not come back.
   *
   * @throws AppError `environment_not_ready` naming what is not, after the time that the daemon is configured with; `shutting_down`
   */
  wait(left: AbortSignal): Promise<void>;
}
