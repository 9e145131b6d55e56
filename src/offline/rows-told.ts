import { eventWire, type EventWire } from "../api/event-wire.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { told } from "./told.ts";

/** An event with what it means in words. */
export type ToldEvent = EventWire & { text: string };

/** Newest first; `more`: there are earlier ones. */
export interface Told {
  events: ToldEvent[];
  more: boolean;
}

export const toldEvent = (reader: Pick<EventReader, "byId">, row: EventRow): ToldEvent => ({
  ...eventWire(row),
  text: told(row, armedBy(reader, row)),
});

/** The row that armed the timer that is due. */
function armedBy(
  reader: Pick<EventReader, "byId">,
  { type, data }: EventRow,
): EventRow | undefined {
  const armed = type === "timer.fired" ? data["armed"] : undefined;
  return typeof armed === "string" ? reader.byId(armed) : undefined;
}

export interface TimelineRequest {
  stream?: string | undefined;
  /** Only rows below this one. */
  before?: number | undefined;
  types?: readonly string[] | undefined;
  limit: number;
}

/** Rows looked at for one answer, at most: a filter that fits nothing must not read a whole log. */
const LOOKED_AT = 20_000;
const PAGE = 500;

/** The newest rows that fit. */
export function timeline(reader: EventReader, request: TimelineRequest): Told {
  const { types, limit } = request;
  return newestOf(reader, request, limit, (row) => !types?.length || types.includes(row.type));
}

/** The newest rows of a stream that went one way. @param event undefined: by any event */
export function taken(
  reader: EventReader,
  request: TimelineRequest & { from: string | null; to: string; event?: string | undefined },
): Told {
  const { from, to, event, limit } = request;
  return newestOf(
    reader,
    request,
    limit,
    (row) =>
      row.fromState === from && row.toState === to && (event === undefined || row.type === event),
  );
}

function newestOf(
  reader: EventReader,
  { stream, before }: TimelineRequest,
  limit: number,
  fits: (row: EventRow) => boolean,
): Told {
  const found: EventRow[] = [];
  let next = before;
  for (let looked = 0; looked < LOOKED_AT; looked += PAGE) {
    const page = reader
      .newest(PAGE, {
        ...(stream !== undefined && { stream }),
        ...(next !== undefined && { before: next }),
      })
      .toReversed();
    for (const row of page) {
      if (!fits(row)) continue;
      if (found.length === limit)
        return { events: found.map((one) => toldEvent(reader, one)), more: true };
      found.push(row);
    }
    next = page.at(-1)?.seq;
    if (page.length < PAGE || next === undefined)
      return { events: found.map((one) => toldEvent(reader, one)), more: false };
  }
  return { events: found.map((one) => toldEvent(reader, one)), more: true };
}

/** An event, what led to it, and all that came of the same root. */
export interface Causes {
  focus: number;
  events: ToldEvent[];
  truncated: boolean;
}

/** Events of a chain that are told, and rows that are looked at for what came of its root. */
const CHAIN = 300;
const AHEAD = 5_000;

/** The chain of causes that an event stands in; undefined where the log has no such event. */
export function causesOf(reader: EventReader, seq: number): Causes | undefined {
  const focus = reader.bySeq(seq);
  if (!focus) return undefined;
  const chain = new Map<string, EventRow>([[focus.id, focus]]);
  for (let row = focus; row.cause !== null && chain.size < CHAIN;) {
    const cause = reader.byId(row.cause);
    if (!cause || chain.has(cause.id)) break;
    chain.set(cause.id, cause);
    row = cause;
  }
  const truncated = addConsequences(reader, focus, chain);
  const events = [...chain.values()].toSorted((a, b) => a.seq - b.seq);
  return { focus: seq, events: events.map((one) => toldEvent(reader, one)), truncated };
}

/** What came of the root is near behind it, and of the focus near behind that; each chain has one name. @returns whether some was left out */
function addConsequences(
  reader: EventReader,
  focus: EventRow,
  chain: Map<string, EventRow>,
): boolean {
  const first = Math.min(...[...chain.values()].map(({ seq }) => seq));
  for (const from of new Set([first, focus.seq])) {
    let looked = 0;
    for (let next = Math.max(from, reader.firstSeq()); looked < AHEAD;) {
      const page = reader.fromSeq(next, PAGE);
      for (const row of page) {
        if (row.correlation !== focus.correlation || chain.has(row.id)) continue;
        if (chain.size >= CHAIN) return true;
        chain.set(row.id, row);
      }
      looked += page.length;
      next = (page.at(-1)?.seq ?? next) + 1;
      if (page.length < PAGE) break;
    }
  }
  return false;
}
