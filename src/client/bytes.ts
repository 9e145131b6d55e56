import { AppError } from "../base/errors.ts";

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Takes bytes off a stream piece by piece; holds no more than was asked for and one chunk. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = NOTHING;

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
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
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #take(length: number, newline: number): string {
    const text = this.#held.toString("utf8", 0, length);
    this.#held = this.#held.subarray(length + newline);
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
    return true;
  }
}

const tooLong = (max: number): AppError =>
  new AppError("internal", `the daemon sent a line of more than ${max} bytes, which no reply has`);
