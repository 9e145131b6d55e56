import { AppError } from "../base/errors.ts";
import type { StreamLineWire } from "../api/view-schemas.ts";
import { ByteReader } from "./bytes.ts";
import { iterableSource } from "./socket-source.ts";

/** A line of a stream, as it came and as it reads. */
export interface StreamedLine {
  raw: string;
  line: StreamLineWire;
}

/** A log line has 64 kB at most; escaped as JSON it can be six times as long. */
const MAX_LINE_BYTES = 1 << 20;

/**
 * The lines of an NDJSON body as they come. Empty ones are passed over.
 *
 * @throws AppError `internal` for a line that is no JSON
 */
export async function* streamedLines(body: AsyncIterable<Buffer>): AsyncGenerator<StreamedLine> {
  const reader = new ByteReader(iterableSource(body));
  try {
    for (;;) {
      const raw = await reader.line(MAX_LINE_BYTES);
      if (raw === undefined) return;
      if (raw !== "") yield { raw, line: parsed(raw) };
    }
  } finally {
    reader.close();
  }
}

function parsed(raw: string): StreamLineWire {
  try {
    return JSON.parse(raw) as StreamLineWire; // what the daemon's schema says it sends
  } catch (cause) {
    throw new AppError("internal", `the daemon sent a line that is no JSON: ${raw.slice(0, 80)}`, {
      cause,
    });
  }
}
