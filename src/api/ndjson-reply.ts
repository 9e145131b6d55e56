import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { AppError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { encodeLine } from "../base/ndjson.ts";

/** Replies of many lines that are being sent: so many at a time, and all can be ended. */
export interface Streams {
  /**
   * Asks for lines, then sends each as it comes, until they end or the reader leaves.
   *
   * A refusal is thrown before anything is sent. What goes wrong later becomes a last line of type `error`.
   *
   * @param ask gets a signal that is given when the reader leaves, for sources that would wait on
   * @param encode one item as one or more whole lines
   * @throws AppError `busy` when too many are open, before anything is asked
   */
  send<Item>(
    reply: FastifyReply,
    ask: (left: AbortSignal) => AsyncIterable<Item> | Promise<AsyncIterable<Item>>,
    encode: (item: Item) => string,
  ): Promise<void>;
  /** Ends every open reply, and every one to come. */
  end(): void;
}

const HEADERS = {
  "content-type": "application/x-ndjson",
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
};

/** Resolves with what comes first: the outcome, or `undefined` when the reader has left. Leaves nothing behind on either. */
function unlessLeft<Outcome>(
  reader: Reader,
  outcome: Promise<Outcome>,
): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    reader.onLeave = () => resolve(undefined);
    if (hasLeft(reader)) resolve(undefined);
    outcome.then(resolve, reject);
  });
}

/** Somebody who reads a reply, and may leave at any time. */
interface Reader {
  out: ServerResponse;
  leaving: AbortController;
  /** What to do when the reader leaves: one wait at a time. */
  onLeave: () => void;
}

function readerOf(out: ServerResponse): Reader {
  const reader: Reader = { out, leaving: new AbortController(), onLeave: () => {} };
  out.once("close", () => leave(reader));
  if (out.closed || out.destroyed) leave(reader);
  return reader;
}

const hasLeft = (reader: Reader): boolean => reader.leaving.signal.aborted;

function leave(reader: Reader): void {
  reader.leaving.abort();
  reader.onLeave();
}

/** Writes, and where the reader is slow waits until it has caught up: nothing piles up here. */
async function write(reader: Reader, text: string): Promise<void> {
  if (hasLeft(reader) || reader.out.write(text)) return;
  await unlessLeft(
    reader,
    new Promise<void>((resolve) => reader.out.once("drain", () => resolve())),
  );
}

async function pump<Item>(
  reader: Reader,
  lines: AsyncIterator<Item>,
  encode: (item: Item) => string,
): Promise<void> {
  while (!hasLeft(reader)) {
    const next = await unlessLeft(reader, lines.next());
    if (next === undefined || next.done) return;
    await write(reader, encode(next.value));
  }
}

/** Status and headers, at once: the reader knows that its request was taken before the first line comes. */
function sendHead(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  if (!reply.raw.destroyed) reply.raw.writeHead(200, HEADERS).flushHeaders();
}

/** The last line of a stream that broke off: what we know about in its own words, a bug by its id in the log. */
function breakLine(error: unknown, logger: Logger): string {
  const id = randomUUID().slice(0, 8);
  const isKnown = error instanceof AppError && error.code !== "internal";
  if (!isKnown) logger.error({ err: error, id }, "a stream broke off inside sprite-env");
  const data = isKnown
    ? messageOf(error)
    : `a bug in sprite-env: its log has the details under id ${id}`;
  return encodeLine({ type: "error", data, timestamp: Date.now() });
}

/** @param limit so many replies may be open at once */
export function createStreams(limit: number, logger: Logger): Streams {
  const readers = new Set<Reader>();
  let ended = false;

  const refuse = (): void => {
    if (ended) throw new AppError("shutting_down", "the daemon is ending and takes no new readers");
    if (readers.size < limit) return;
    throw new AppError("busy", `${limit} streams are open already: close one, or ask again later`);
  };

  const run = async <Item>(
    reader: Reader,
    lines: AsyncIterator<Item>,
    encode: (item: Item) => string,
  ) => {
    try {
      await pump(reader, lines, encode);
    } catch (error) {
      await write(reader, breakLine(error, logger));
    }
    reader.out.end(() => ended && reader.out.socket?.destroySoon());
    // A generator that waits ends only when it wakes up, so this is not waited for.
    lines
      .return?.()
      .catch((error: unknown) => logger.warn({ err: error }, "a stream did not end well"));
  };

  return {
    send: async (reply, ask, encode) => {
      refuse();
      const reader = readerOf(reply.raw);
      readers.add(reader);
      try {
        const lines = await ask(reader.leaving.signal);
        void reply.hijack();
        sendHead(reply);
        await run(reader, lines[Symbol.asyncIterator](), encode);
      } finally {
        readers.delete(reader);
      }
    },
    end: () => {
      ended = true;
      readers.forEach(leave);
    },
  };
}
