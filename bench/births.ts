import { execFileSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/** A program of `born.c` has begun. */
export interface Birth {
  pid: number;
  /** When its `main` began, in microseconds of CLOCK_MONOTONIC. */
  at: number;
}

/** Two 64-bit numbers: nanoseconds, pid. */
const BYTES = 16;
const PATIENCE_MS = 20_000;

/** Births, told through a FIFO. */
export class Births {
  readonly fifo: string;
  readonly #socket: Socket;
  readonly #born: Birth[] = [];
  #rest = Buffer.alloc(0);
  #told: () => void = () => {};

  /** @param name of the FIFO, made in `directory` */
  constructor(directory: string, name: string) {
    this.fifo = join(directory, name);
    execFileSync("mkfifo", [this.fifo]);
    // Open for writing too, so that it never ends.
    const fd = openSync(this.fifo, constants.O_RDWR | constants.O_NONBLOCK);
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** The next birth that nobody has taken yet. */
  async next(): Promise<Birth> {
    const [birth] = await this.take(1);
    if (!birth) throw new Error("no birth was told");
    return birth;
  }

  /** The next so many. @throws where they do not come within 20 s */
  async take(count: number): Promise<Birth[]> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(
      () => reject(new Error(`${this.#born.length} of ${count} programs began within 20 s`)),
      PATIENCE_MS,
    );
    this.#told = () => this.#born.length >= count && resolve();
    this.#told();
    await promise.finally(() => clearTimeout(late));
    return this.#born.splice(0, count);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= BYTES) {
      const at = Number(this.#rest.readBigInt64LE(0)) / 1_000;
      this.#born.push({ at, pid: Number(this.#rest.readBigInt64LE(8)) });
      this.#rest = this.#rest.subarray(BYTES);
    }
    this.#told();
  }
}
