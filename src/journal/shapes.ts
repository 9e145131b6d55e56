import { AppError } from "../base/errors.ts";
import type { AppendedRow } from "./append.ts";
import { kindOf } from "./record.ts";
import type { Db } from "./sqlite.ts";

/** What a row's event looks like: of which kind of stream, of which type, taken by which version of its machine. */
export interface EventShape {
  kind: string;
  type: string;
  schema: number;
}

/** Notes shapes that the log did not hold before, inside the transaction of their rows. */
interface ShapeNotes {
  /** @returns those that are new, to be kept after the commit */
  note(rows: readonly AppendedRow[]): readonly string[];
  keep(fresh: readonly string[]): void;
}

export function shapeNotes(db: Db): ShapeNotes {
  const known = new Set<string>();
  const insert = db.prepare("INSERT OR IGNORE INTO event_shapes VALUES (?, ?, ?)");
  return {
    note(rows) {
      const fresh = new Set<string>();
      for (const { row } of rows) {
        const name = `${row.schema} ${row.type} ${kindOf(row.stream)}`;
        if (known.has(name) || fresh.has(name)) continue;
        insert.run(kindOf(row.stream), row.type, row.schema);
        fresh.add(name);
      }
      return [...fresh];
    },
    keep: (fresh) => fresh.forEach((name) => known.add(name)),
  };
}

/** Rows at the end of a log that are looked at themselves: whoever writes there by hand notes no shape. */
const LOOKED_AT = 1_000;

/**
 * Refuses a log with an event that this release does not know: a newer one wrote it, and going on from it would be guessing.
 *
 * @throws AppError `storage_newer`, with the shape in its details; the log can be read
 */
export function refuseNewer(db: Db, knows: (shape: EventShape) => boolean): void {
  const shapes = db
    .prepare<[], EventShape>(
      `SELECT kind, type, schema FROM event_shapes UNION
       SELECT DISTINCT substr(stream, 1, instr(stream, '/') - 1), type, schema
       FROM (SELECT stream, type, schema FROM events ORDER BY seq DESC LIMIT ${LOOKED_AT})`,
    )
    .all();
  const stranger = shapes.find((shape) => !knows(shape));
  if (!stranger) return;
  const { kind, type, schema } = stranger;
  throw new AppError(
    "storage_newer",
    `the event log holds ${type} of a ${kind || "stream"} (machine version ${schema}), which this release does not know: a newer one wrote it. ` +
      "Run that release, or a later one, or name another state directory; until then the log is read and nothing is written",
    { details: { kind, type, schema, readable: true } },
  );
}
