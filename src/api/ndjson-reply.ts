import { randomUUID } from "node:crypto";
import type { FastifyReply } from "fastify";
import { AppError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { encodeLine } from "../base/ndjson.ts";
import { Reader } from "./reader.ts";

declare module "fastify" {
  interface FastifyReply {
    /** It is sent in many pieces, and lasts as long as its reader likes. */
    isStream: boolean;
  }
}

/** Replies of many pieces that are being sent: so many at a time, and all can be ended. */
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
  /**
   * Sends status and headers at once, then whatever `run` has for the reader.
   *
   * @param broken how a failure of `run` is told to the reader
   * @throws AppError `busy` when too many are open, before anything is sent
   */
  open(
    reply: FastifyReply,
    contentType: string,
    run: (reader: Reader) => Promise<void>,
    broken: (message: string, error: unknown) => string,
  ): Promise<void>;
  /** How many are open. */
  readonly count: number;
  /** Ends every open reply, and every one to come. */
  end(): void;
}

/** How many replies of many pieces may be open at once: from our own socket, and over TCP, which must not keep the socket's from theirs. */
export interface StreamLimits {
  local: number;
  remote: number;
}

export const NDJSON = "application/x-ndjson";
export const SSE = "text/event-stream";

const isRemote = (reply: FastifyReply): boolean => reply.request.bearer !== undefined;

/** Status and headers, at once: the reader knows that its request was taken before the first piece comes. */
function sendHead(reply: FastifyReply, contentType: string): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  const headers = {
    "content-type": contentType,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  if (!reply.raw.destroyed) reply.raw.writeHead(200, headers).flushHeaders();
}

/** The last line of a stream that broke off. */
const errorLine = (data: string): string =>
  encodeLine({ type: "error", data, timestamp: Date.now() });

/** What is said of a stream that broke off: what we know about in its own words, a bug by its id in the log. */
function breakMessage(error: unknown, logger: Logger): string {
  if (error instanceof AppError && error.code !== "internal") return messageOf(error);
  const id = randomUUID().slice(0, 8);
  logger.error({ err: error, id }, "a stream broke off inside sprite-env");
  return `a bug in sprite-env: its log has the details under id ${id}`;
}

async function pump<Item>(
  reader: Reader,
  lines: AsyncIterator<Item>,
  encode: (item: Item) => string,
): Promise<void> {
  while (!reader.hasLeft) {
    const next = await reader.unlessLeft(lines.next());
    if (next === undefined || next.done) return;
    await reader.write(encode(next.value));
  }
}

export function createStreams(limits: StreamLimits, logger: Logger): Streams {
  const readers = { local: new Set<Reader>(), remote: new Set<Reader>() };
  let ended = false;

  const admit = (reply: FastifyReply): { reader: Reader; release: () => void } => {
    if (ended) throw new AppError("shutting_down", "the daemon is ending and takes no new readers");
    const side = isRemote(reply) ? "remote" : "local";
    if (readers[side].size >= limits[side]) {
      throw new AppError(
        "busy",
        `${limits[side]} streams are open already: close one, or ask again later`,
      );
    }
    const reader = new Reader(reply.raw);
    readers[side].add(reader);
    return { reader, release: () => readers[side].delete(reader) };
  };

  /** Sends the head, then what `run` has, then what went wrong. */
  const tell = async (
    reply: FastifyReply,
    contentType: string,
    reader: Reader,
    run: () => Promise<void>,
    broken: (message: string, error: unknown) => string,
  ): Promise<void> => {
    reply.isStream = true;
    void reply.hijack();
    sendHead(reply, contentType);
    try {
      await run();
    } catch (error) {
      await reader.write(broken(breakMessage(error, logger), error));
    }
    reader.end(ended);
  };

  return {
    send: async (reply, ask, encode) => {
      const { reader, release } = admit(reply);
      try {
        const lines = (await ask(reader.signal))[Symbol.asyncIterator]();
        await tell(reply, NDJSON, reader, () => pump(reader, lines, encode), errorLine);
        // A generator that waits ends only when it wakes up, so this is not waited for.
        lines
          .return?.()
          .catch((error: unknown) => logger.warn({ err: error }, "a stream did not end well"));
      } finally {
        release();
      }
    },
    open: async (reply, contentType, run, broken) => {
      const { reader, release } = admit(reply);
      try {
        await tell(reply, contentType, reader, () => run(reader), broken);
      } finally {
        release();
      }
    },
    get count() {
      return readers.local.size + readers.remote.size;
    },
    end: () => {
      ended = true;
      for (const one of [...readers.local, ...readers.remote]) one.leave();
    },
  };
}
