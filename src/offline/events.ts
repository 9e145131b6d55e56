import { eventWire, type EventWire } from "../api/event-wire.ts";
import { AppError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { idOf, kindOf, type EventRow } from "../journal/record.ts";
import { EVENT_TYPES } from "../runtime/known-shapes.ts";
import type { Store } from "./store.ts";

/** Which rows are asked for. */
export interface EventFilter {
  /** Rows of this service alone. */
  service?: string | undefined;
  /** Rows of these types alone; none: of all. */
  types: readonly string[];
  /** The first seq that is wanted; absent: the newest `limit` rows, or all that are left. */
  from?: number | undefined;
  limit?: number | undefined;
}

/** Rows read at a time. */
const PAGE = 500;

/**
 * Refuses a type that no event has.
 *
 * @throws AppError `invalid_request`, with the type that was probably meant
 */
function mustBeType(type: string): void {
  if (EVENT_TYPES.includes(type)) return;
  const guess = nearest(type, EVENT_TYPES);
  const hint = guess ? `did you mean ${guess}?` : `there are ${EVENT_TYPES.join(", ")}`;
  throw new AppError("invalid_request", `no event has the type "${type}": ${hint}`);
}

/**
 * Refuses a name that no service of the log ever had, as far as the log goes back.
 *
 * @throws AppError `service_not_found`
 */
export function mustBeKnown(reader: EventReader, name: string): void {
  const stream = `service/${name}`;
  if (reader.lastOf(stream) !== undefined || reader.snapshotAt(stream) !== undefined) return;
  const names = reader
    .streams()
    .filter((one) => kindOf(one.stream) === "service")
    .map((one) => idOf(one.stream));
  const guess = nearest(name, names);
  const hint = guess ? `: did you mean ${guess}?` : names.length === 0 ? ": it is empty" : "";
  throw new AppError("service_not_found", `no service named "${name}" is in the event log${hint}`);
}

/**
 * Rows as they are asked for, oldest first, a page at a time.
 *
 * @throws AppError `events_gone` where retention has removed the first that is wanted, or removes meanwhile what was not read yet
 */
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
  const { service, from = reader.firstSeq() } = filter;
  const isWanted = wanted(filter);
  const rows =
    service === undefined ? reader.all(from) : ofStream(reader, `service/${service}`, from);
  for (const row of rows) if (isWanted(row)) yield row;
}

function* ofStream(reader: EventReader, stream: string, from: number): Generator<EventRow> {
  for (let next = from; ;) {
    const rows = reader.fromSeqIn(stream, next, PAGE);
    yield* rows;
    if (rows.length < PAGE) return;
    next = (rows.at(-1)?.seq ?? next) + 1;
  }
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
