import { AppError } from "../base/errors.ts";
import { ByteReader } from "./bytes.ts";
import { iterableSource } from "./socket-source.ts";

/** A log line has 64 kB at most; escaped as JSON it can be six times as long. */
const MAX_LINE_BYTES = 1 << 20;

/** Longest answer that is read as a whole. */
const MAX_ANSWER_BYTES = 64 << 20;

/**
 * The lines of an NDJSON body as they come. Empty ones are passed over.
 *
 * @throws AppError `internal` for a line that is no JSON
 */
export async function* jsonLines<Line>(body: AsyncIterable<Buffer>): AsyncGenerator<Line, void> {
  const reader = new ByteReader(iterableSource(body));
  try {
    for (;;) {
      const raw = await reader.line(MAX_LINE_BYTES);
      if (raw === undefined) return;
      if (raw !== "") yield parsed(raw) as Line; // what the daemon's schema says it sends
    }
  } finally {
    reader.close();
  }
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (cause) {
    throw new AppError("internal", `the daemon sent a line that is no JSON: ${raw.slice(0, 80)}`, {
      cause,
    });
  }
}

/** A body that ends, as text. @throws AppError `internal` for one that does not */
export async function whole(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new AppError("internal", "the daemon's answer has no end");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
