import { write } from "node:fs";
import type { LogLine } from "../logs/ports.ts";
import type { StartedServiceLogs } from "../logs/service-logs.ts";

/** What may wait for whoever reads our output, in characters; more is left out, and counted. */
const MOST = 1_048_576;

const DESCRIPTORS = { stdout: 1, stderr: 2 } as const;

/** One of our own outputs. A reader that is slow holds up a thread of the pool, and nothing else. */
class Output {
  readonly #descriptor: number;
  #waiting = "";
  #leftOut = 0;
  #idle: Promise<void> | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  say(text: string): void {
    if (this.#waiting.length + text.length > MOST) this.#leftOut += 1;
    else this.#waiting += `${text}\n`;
    this.#idle ??= this.#drain().finally(() => (this.#idle = undefined));
  }

  get idle(): Promise<void> {
    return this.#idle ?? Promise.resolve();
  }

  async #drain(): Promise<void> {
    while (this.#waiting !== "") {
      const bytes = Buffer.from(this.#waiting);
      this.#waiting = "";
      if (!(await this.#written(bytes))) return; // nobody reads any more
      if (this.#leftOut === 0) continue;
      this.#waiting = `sprite-env: ${this.#leftOut} lines of the main process are not shown here, since nobody read so fast: they are in its log\n${this.#waiting}`;
      this.#leftOut = 0;
    }
  }

  async #written(bytes: Buffer): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      const count = await new Promise<number>((resolve) => {
        write(this.#descriptor, bytes, at, (error, written) =>
          resolve(error ? (error.code === "EAGAIN" ? 0 : -1) : written),
        );
      });
      if (count < 0) return false;
      if (count === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      at += count;
    }
    return true;
  }
}

/**
 * Says what the main process says on our own outputs, too: whoever started us reads it there, as if it ran alone.
 *
 * @returns resolves when all of it was said, or after so long
 */
export function echo(
  logs: Pick<StartedServiceLogs, "follow">,
  service: string,
): (patienceMs: number) => Promise<void> {
  const outputs = {
    stdout: new Output(DESCRIPTORS.stdout),
    stderr: new Output(DESCRIPTORS.stderr),
  };
  logs.follow(service, (_, { stream, text }: LogLine) => outputs[stream].say(text));
  return async (patienceMs) => {
    const patience = new Promise<void>((resolve) => void setTimeout(resolve, patienceMs).unref());
    await Promise.race([Promise.all([outputs.stdout.idle, outputs.stderr.idle]), patience]);
  };
}
