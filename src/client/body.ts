import { AppError } from "../base/errors.ts";
import type { ByteReader } from "./bytes.ts";
import { LostReply } from "./lost-reply.ts";

/** What decides how a body is framed. Source: RFC 9112, section 6.3. */
export interface Framing {
  method: string;
  status: number;
  headers: ReadonlyMap<string, string>;
  /** Given up by whoever asked: its reason is thrown. */
  signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 65_536;
const MAX_SIZE_LINE_BYTES = 1_024;

const hasNoBody = ({ method, status }: Framing): boolean =>
  method === "HEAD" || status === 204 || status === 304;

/**
 * The body of a reply, piece by piece as it comes.
 *
 * @throws LostReply while it is read, where the connection ends before the body does; the reason of the signal where that ended it
 */
export async function* bodyOf(reader: ByteReader, framing: Framing): AsyncGenerator<Buffer> {
  let whole = false;
  try {
    yield* framed(reader, framing);
    whole = true;
  } catch (error) {
    framing.signal?.throwIfAborted();
    throw error instanceof AppError ? error : incomplete(error);
  } finally {
    if (!whole) reader.close(); // else the daemon closes it, and we need not wait for that
  }
}

async function* framed(reader: ByteReader, framing: Framing): AsyncGenerator<Buffer> {
  if (hasNoBody(framing)) return;
  const length = framing.headers.get("content-length");
  if (framing.headers.get("transfer-encoding")?.toLowerCase() === "chunked") yield* chunked(reader);
  else if (length !== undefined) yield* counted(reader, Number(length));
  else yield* toTheEnd(reader);
}

async function* counted(reader: ByteReader, length: number): AsyncGenerator<Buffer> {
  for (let left = length; left > 0;) {
    const piece = await reader.some(Math.min(left, PIECE_BYTES));
    if (piece.length === 0) throw incomplete(undefined);
    left -= piece.length;
    yield piece;
  }
}

async function* toTheEnd(reader: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const piece = await reader.some(PIECE_BYTES);
    if (piece.length === 0) return;
    yield piece;
  }
}

/** A chunk of no more than a piece comes whole: some replies say something by their chunks. Source: RFC 9112, section 7.1. Extensions and trailers are passed over. */
async function* chunked(reader: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const size = await chunkSize(reader);
    if (size === 0) return;
    if (size <= PIECE_BYTES) yield await joined(counted(reader, size));
    else yield* counted(reader, size);
    await reader.line(MAX_SIZE_LINE_BYTES);
  }
}

async function joined(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  const [first = Buffer.alloc(0)] = all;
  return all.length === 1 ? first : Buffer.concat(all);
}

async function chunkSize(reader: ByteReader): Promise<number> {
  const line = await reader.line(MAX_SIZE_LINE_BYTES);
  const [, digits] = /^([0-9A-Fa-f]{1,12})\s*(;|$)/.exec(line ?? "") ?? [];
  if (digits === undefined) throw incomplete(undefined);
  return Number.parseInt(digits, 16);
}

const incomplete = (cause: unknown): LostReply =>
  new LostReply(
    "the daemon closed the connection in the middle of its reply (it was stopped or killed): what it had acknowledged stands, and it goes on with it when it runs again",
    cause,
  );
