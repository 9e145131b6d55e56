import type { Socket } from "node:net";

/** Where bytes come from, piece by piece. */
export interface ByteSource {
  /** The next piece, or undefined at the end. */
  next(): Promise<Buffer | undefined>;
  /** Lets go of it. */
  close(): void;
}

/** So much is taken off a socket before anybody asks. */
const AHEAD_BYTES = 262_144;

/**
 * A socket as a source of bytes, with back-pressure. The stream's own iterator would do the same, but loading and
 * making it costs 2 ms, a tenth of what `services list` takes.
 */
export function socketSource(socket: Socket): ByteSource {
  const pieces: Buffer[] = [];
  let held = 0;
  let end: { error?: Error } | undefined;
  let wake = (): void => undefined;

  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    if (held > AHEAD_BYTES) socket.pause();
    wake();
  });
  const ended = (error?: Error): void => {
    end ??= error ? { error } : {};
    wake();
  };
  socket.on("error", ended);
  socket.on("end", () => ended());
  socket.on("close", () => ended());

  return {
    next: async () => {
      while (pieces.length === 0 && !end)
        await new Promise<void>((resolve) => void (wake = resolve));
      const piece = pieces.shift();
      if (!piece && end?.error) throw end.error;
      held -= piece?.length ?? 0;
      if (held <= AHEAD_BYTES) socket.resume();
      return piece;
    },
    close: () => void socket.destroy(),
  };
}

/** Any iterable of pieces as a source. */
export function iterableSource(iterable: AsyncIterable<Buffer>): ByteSource {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { done, value } = await iterator.next();
      return done ? undefined : value;
    },
    close: () => void iterator.return?.(),
  };
}
