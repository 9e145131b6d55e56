import { AppError } from "../base/errors.ts";
import type { ByteSource } from "./socket-source.ts";

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Takes bytes off a stream piece by piece; holds no more than was asked for and one chunk. */
export class ByteReader {
  readonly #source: ByteSource;
  #held: Buffer = NOTHING;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Whatever comes next, at most `max` bytes; empty at the end. */
  async some(max: number): Promise<Buffer> {
    if (this.#held.length === 0 && !(await this.#more())) return NOTHING;
    const piece = this.#held.subarray(0, max);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }

  /**
   * A line without its line end (`\n` or `\r\n`), or undefined at the end. What stands after the last newline is a line, too.
   *
   * @throws AppError `internal` for a line over `max` bytes
   */
  async line(max: number): Promise<string | undefined> {
    let from = 0;
    for (;;) {
      const end = this.#held.indexOf(NEWLINE, from);
      if (end >= 0 && end <= max) return this.#take(end, 1);
      if (this.#held.length > max) throw tooLong(max);
      from = this.#held.length;
      if (!(await this.#more())) return from === 0 ? undefined : this.#take(from, 0);
    }
  }

  /** Lets go of the source. */
  close(): void {
    this.#source.close();
  }

  #take(length: number, newline: number): string {
    const text = this.#held.toString("utf8", 0, length);
    this.#held = this.#held.subarray(length + newline);
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }

  async #more(): Promise<boolean> {
    const piece = await this.#source.next();
    if (!piece) return false;
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    return true;
  }
}

const tooLong = (max: number): AppError =>
  new AppError("internal", `the daemon sent a line of more than ${max} bytes, which no reply has`);
