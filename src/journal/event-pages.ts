import { COLUMNS, type StoredRow } from "./read.ts";
import type { EventRow } from "./record.ts";
import type { Db } from "./sqlite.ts";
import { versionFinder } from "./version-finder.ts";

/** How much is read at a time: rows, and bytes of their data. A row that is larger comes alone. */
interface PageSize {
  rows: number;
  bytes: number;
}

/** Reads of the log that are short whatever lies in it: some rows by number, never more than a page. */
export interface EventPages {
  /** Rows from a sequence number on, in order; none: there is no such row yet. */
  page(from: number, size: PageSize): EventRow[];
  /** The same of one stream. */
  pageOf(stream: string, from: number, size: PageSize): EventRow[];
}

/** Pages over a connection. */
export function eventPages(db: Db): EventPages {
  const all = db.prepare<[number, number], StoredRow>(
    `SELECT ${COLUMNS} FROM events WHERE seq >= ? ORDER BY seq LIMIT ?`,
  );
  const ofStream = db.prepare<[string, number, number], StoredRow>(
    `SELECT ${COLUMNS} FROM events WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?`,
  );
  const versionFrom = versionFinder(db);
  return {
    page: (from, { rows, bytes }) => taken(all.iterate(from, rows), bytes),
    pageOf: (stream, from, { rows, bytes }) =>
      taken(ofStream.iterate(stream, versionFrom(stream, from), rows), bytes),
  };
}

/** Rows until their data is so long, the row that goes beyond it included. */
function taken(stored: Iterable<StoredRow>, bytes: number): EventRow[] {
  const rows: EventRow[] = [];
  let sum = 0;
  for (const row of stored) {
    sum += row.data.length;
    rows.push(Object.assign(row, { data: JSON.parse(row.data) as EventRow["data"] }));
    if (sum >= bytes) break;
  }
  return rows;
}
