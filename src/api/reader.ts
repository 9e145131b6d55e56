import type { ServerResponse } from "node:http";

/** Sent in one go at most, in bytes: so that a slow reader's progress can be seen. */
const PIECE_BYTES = 65_536;

/** Somebody who reads a reply of many pieces, and may leave at any time. */
export class Reader {
  readonly #out: ServerResponse;
  readonly #leaving = new AbortController();

  constructor(out: ServerResponse) {
    this.#out = out;
    out.once("close", () => this.leave());
    if (out.closed || out.destroyed) this.leave();
  }

  /** Given when the reader leaves, or is to. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  get hasLeft(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** Whether something that was sent is not taken yet. */
  get isBehind(): boolean {
    return this.#out.writableLength > 0;
  }

  /** Ends what is sent to it, after what was sent already. */
  leave(): void {
    this.#leaving.abort();
  }

  /** Sends a piece that is ready. False: the reader is slow, and nothing should follow before `caughtUp`. */
  offer(piece: string | Buffer): boolean {
    return this.hasLeft || this.#out.write(piece);
  }

  /** Sends, and where the reader is slow waits until it has caught up or left: nothing piles up here. */
  async write(text: string | Buffer): Promise<void> {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    for (let at = 0; at < bytes.length && !this.hasLeft; at += PIECE_BYTES) {
      if (!this.#out.write(bytes.subarray(at, at + PIECE_BYTES))) await this.caughtUp();
    }
  }

  /** Resolves when everything that was sent is taken, or the reader has left. */
  async caughtUp(): Promise<void> {
    if (!this.#out.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#out.once("drain", resolve);
    await this.unlessLeft(promise);
  }

  /** Resolves with what comes first: the outcome, or `undefined` when the reader has left. Leaves nothing behind on either. */
  unlessLeft<Outcome>(outcome: Promise<Outcome>): Promise<Outcome | undefined> {
    return new Promise((resolve, reject) => {
      const left = (): void => resolve(undefined);
      if (this.hasLeft) left();
      this.signal.addEventListener("abort", left, { once: true });
      outcome.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", left));
    });
  }

  /** Ends the reply. */
  end(andTheConnection: boolean): void {
    this.#out.end(() => andTheConnection && this.#out.socket?.destroySoon());
  }
}
