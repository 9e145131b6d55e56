import { type ChildProcess, fork } from "node:child_process";
import { AppError } from "../base/errors.ts";
import { partProcess } from "../base/parts.ts";
import type { HostCall, HostReply } from "./protocol.ts";

/** What a file, or an event on paper, may take, in milliseconds; a replay as long as it goes on. */
const LIMIT_MS = 10_000;
/** What it may have, in megabytes. */
const HEAP_MB = 1_024;
/** Of what it says on standard error, the last so many letters are kept. */
const SAID = 2_000;

/** What went wrong with a machine file: the sentence, and where. */
export class MachineProblem extends AppError {
  readonly detail: string | undefined;

  constructor(file: string, what: string, detail?: string) {
    super("invalid_request", `${file}: ${what}`);
    this.detail = detail;
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  progress: ((done: number, of: number) => void) | undefined;
  timer: NodeJS.Timeout;
}

/** A machine file in a process of its own. */
export class MachineProcess {
  readonly #file: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #said = "";
  #end: string | undefined;

  constructor(file: string) {
    this.#file = file;
    const { PATH, HOME, TMPDIR } = process.env;
    const { module, execArgv } = partProcess("workbench/host", [
      `--max-old-space-size=${HEAP_MB}`,
      "--disable-warning=ExperimentalWarning",
    ]);
    this.#child = fork(module, {
      execArgv,
      env: {
        ...(PATH !== undefined && { PATH }),
        ...(HOME !== undefined && { HOME }),
        ...(TMPDIR !== undefined && { TMPDIR }),
      }, // nothing secret
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-SAID);
    });
    this.#child.on("message", (reply: HostReply) => this.#heard(reply));
    this.#child.on("error", (error) => this.#ended(error.message));
    this.#child.on("close", (code, signal) =>
      this.#ended(
        signal === null
          ? `it ended the process with code ${code}`
          : `its process was ended by ${signal}`,
      ),
    );
  }

  /**
   * @param progress of a replay; each word of it gives it more time
   * @throws MachineProblem what the file did, or that it did not come back
   */
  ask<Value>(call: HostCall, progress?: (done: number, of: number) => void): Promise<Value> {
    if (this.#end !== undefined) return Promise.reject(this.#problem(this.#end));
    const id = (this.#last += 1);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject, progress, timer: this.#limit() });
    this.#child.send({ ...call, id });
    return promise as Promise<Value>;
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }

  #limit(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#ended(
        `it did not come back within ${LIMIT_MS / 1_000} s: is there a loop that does not end?`,
      );
      this.close();
    }, LIMIT_MS);
  }

  #heard(reply: HostReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    if ("progress" in reply) {
      waiting.timer = this.#limit();
      waiting.progress?.(reply.progress.done, reply.progress.of);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("value" in reply) waiting.resolve(reply.value);
    else waiting.reject(this.#problem(reply.error.message, reply.error.detail));
  }

  #ended(why: string): void {
    this.#end ??= why;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#problem(this.#end, this.#said.trim() || undefined));
    }
    this.#waiting.clear();
  }

  #problem(what: string, detail?: string): MachineProblem {
    return new MachineProblem(this.#file, what, detail);
  }
}
