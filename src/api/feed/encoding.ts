import type { EventRow } from "../../journal/record.ts";
import { eventWire } from "../event-wire.ts";

/** How events are written: one JSON object a line, or as server-sent events. */
export type EventFormat = "ndjson" | "sse";

const JSON_OF = new WeakMap<EventRow, string>();

/** A row as JSON: made once, however many read it. */
function jsonOf(row: EventRow): string {
  const known = JSON_OF.get(row);
  if (known !== undefined) return known;
  const json = JSON.stringify(eventWire(row));
  JSON_OF.set(row, json);
  return json;
}

/** JSON has no raw newline, so an event's data is one line. Source: HTML Standard, section 9.2.5 (event streams). */
const ENCODERS = {
  ndjson: (row: EventRow) => `${jsonOf(row)}\n`,
  sse: (row: EventRow) => `id: ${row.seq}\nevent: ${row.type}\ndata: ${jsonOf(row)}\n\n`,
} as const satisfies Record<EventFormat, (row: EventRow) => string>;

/** Rows as they are sent. */
export const encoded = (rows: readonly EventRow[], format: EventFormat): Buffer =>
  Buffer.from(rows.map(ENCODERS[format]).join(""));

const WHOLE = new WeakMap<readonly EventRow[], Partial<Record<EventFormat, Buffer>>>();

/** The same for rows that many read as they are: the bytes are made once, too. */
export function sharedBytes(rows: readonly EventRow[], format: EventFormat): Buffer {
  const known = WHOLE.get(rows) ?? {};
  WHOLE.set(rows, known);
  return (known[format] ??= encoded(rows, format));
}

/** How long a browser waits before it comes back, in milliseconds. */
const RETRY_MS = 2_000;

/** What stands before the first server-sent event. */
export const SSE_PREAMBLE = `retry: ${RETRY_MS}\n\n`;

/**
 * Says that the connection lives, and how far its reader is: an id without data moves the place from which a browser
 * resumes, also where its filter has passed over everything. Source: HTML Standard, section 9.2.6, dispatch of the event.
 */
export const sseHeartbeat = (seq: number): string => `: alive\nid: ${seq}\n\n`;
