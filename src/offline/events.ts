import { eventWire, type EventWire } from "../api/routes/events.ts";
import { AppError } from "../base/errors.ts";
import { nearest } from "../config/nearest.ts";
import { ENVIRONMENT_EVENT_TYPES } from "../../machines/environment.ts";
import { SERVICE_EVENT_TYPES } from "../../machines/service-events.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { idOf, kindOf, type EventRow } from "../journal/record.ts";
import type { Store } from "./store.ts";

/** Which rows are asked for. */
export interface EventFilter {
  /** Rows of this service alone. */
  service?: string | undefined;
  /** Rows of these types alone; none: of all. */
  types: readonly string[];
  /** The first seq that is wanted; absent: the newest `limit` rows, or all. */
  from?: number | undefined;
  limit?: number | undefined;
}

/** Rows read at a time. */
const PAGE = 500;

/** Every type of event there is, once each, sorted. */
export const EVENT_TYPES: readonly string[] = [
  ...new Set<string>([...SERVICE_EVENT_TYPES, ...ENVIRONMENT_EVENT_TYPES]),
].toSorted();

/**
 * Refuses a type that no event has.
 *
 * @throws AppError `invalid_request`, with the type that was probably meant
 */
export function mustBeType(type: string): void {
  if (EVENT_TYPES.includes(type)) return;
  const guess = nearest(type, EVENT_TYPES);
  const hint = guess ? `did you mean ${guess}?` : `there are ${EVENT_TYPES.join(", ")}`;
  throw new AppError("invalid_request", `no event has the type "${type}": ${hint}`);
}

/**
 * Refuses a name that no service of the log ever had.
 *
 * @throws AppError `service_not_found`
 */
export function mustBeKnown(reader: EventReader, name: string): void {
  if (reader.lastOf(`service/${name}`) !== undefined) return;
  const names = reader
    .streams()
    .filter(({ stream }) => kindOf(stream) === "service")
    .map(({ stream }) => idOf(stream));
  const guess = nearest(name, names);
  const hint = guess ? `: did you mean ${guess}?` : names.length === 0 ? ": it is empty" : "";
  throw new AppError("service_not_found", `no service named "${name}" is in the event log${hint}`);
}

/** Rows as they are asked for, oldest first, a page at a time. */
export function* eventPages(store: Store, filter: EventFilter): Generator<EventWire[]> {
  const { reader } = store;
  for (const type of filter.types) mustBeType(type);
  if (filter.service !== undefined) mustBeKnown(reader, filter.service);
  const { from, limit } = filter;
  const rows =
    from === undefined && limit !== undefined
      ? newest(reader, filter, limit)
      : first(matching(reader, filter), limit ?? Infinity);
  yield* paged(rows);
}

function* paged(rows: Iterable<EventRow>): Generator<EventWire[]> {
  let page: EventWire[] = [];
  for (const row of rows) {
    page.push(eventWire(row));
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

const wanted =
  ({ types }: EventFilter) =>
  (row: EventRow): boolean =>
    types.length === 0 || types.includes(row.type);

function* matching(reader: EventReader, filter: EventFilter): Generator<EventRow> {
  const { service, from = 1 } = filter;
  const isWanted = wanted(filter);
  const rows = service === undefined ? reader.all(from) : reader.stream(`service/${service}`);
  for (const row of rows) if (row.seq >= from && isWanted(row)) yield row;
}

function* first<Item>(items: Iterable<Item>, limit: number): Generator<Item> {
  let left = limit;
  if (left <= 0) return;
  for (const item of items) {
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
}

/** Goes back from the end, a page at a time, until there are enough. */
function newest(reader: EventReader, filter: EventFilter, limit: number): EventRow[] {
  const isWanted = wanted(filter);
  const stream = filter.service === undefined ? {} : { stream: `service/${filter.service}` };
  let found: EventRow[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; found.length < limit;) {
    const page = reader.newest(PAGE, { ...stream, before });
    found = [...page.filter(isWanted), ...found];
    if (page.length < PAGE) break;
    before = page[0]?.seq ?? 0;
  }
  return found.slice(Math.max(0, found.length - limit));
}
