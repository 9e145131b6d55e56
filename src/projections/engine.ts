import { messageOf } from "../base/errors.ts";
import type { AppendedRow, OnAppend } from "../journal/append.ts";
import type { Db } from "../journal/sqlite.ts";
import type { Projection } from "./projection.ts";

/**
 * Folds appended rows into the projections, inside the transaction that stores the rows.
 *
 * A projection that throws is rolled back to before the batch and marked stale; the others and the rows stand.
 */
export function projectionHook(db: Db, projections: readonly Projection[]): OnAppend {
  const follows = db
    .prepare<[string], number>("SELECT 1 FROM projection_heads WHERE name = ? AND stale IS NULL")
    .pluck();
  const advance = db.prepare("UPDATE projection_heads SET seq = ? WHERE name = ?");
  const markStale = db.prepare("UPDATE projection_heads SET stale = ? WHERE name = ?");
  const fold = db.transaction((projection: Projection, rows: readonly AppendedRow[]) => {
    for (const appended of rows) projection.on[appended.row.type]?.(db, appended);
    advance.run(rows.at(-1)?.row.seq, projection.name);
  });
  return (rows) => {
    for (const projection of projections) {
      if (follows.get(projection.name) === undefined) continue;
      try {
        fold(projection, rows);
      } catch (error) {
        if (!db.inTransaction) throw error; // a full disk or an I/O error has undone the rows too
        markStale.run(messageOf(error), projection.name);
      }
    }
  };
}

/**
 * Makes the tables of projections that are new, of another version, marked stale or behind the log, and folds the whole log into them.
 *
 * @param rows the log, each row with its actor after it; asked for only where something is to be folded
 * @returns names of the projections that were folded anew
 */
export function refold(
  db: Db,
  projections: readonly Projection[],
  rows: () => Iterable<AppendedRow>,
): string[] {
  const end = db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM events").pluck().get();
  const isCurrent = db
    .prepare<[string, number, number], number>(
      "SELECT 1 FROM projection_heads WHERE name = ? AND version = ? AND seq = ? AND stale IS NULL",
    )
    .pluck();
  const old = projections.filter(
    ({ name, version }) => isCurrent.get(name, version, end ?? 0) === undefined,
  );
  if (old.length === 0) return [];
  db.transaction(() => {
    for (const projection of old) begin(db, projection);
    for (const appended of rows()) {
      for (const projection of old) projection.on[appended.row.type]?.(db, appended);
    }
    const advance = db.prepare("UPDATE projection_heads SET seq = ? WHERE name = ?");
    for (const { name } of old) advance.run(end, name);
  }).immediate();
  return old.map(({ name }) => name);
}

/** A projection's table has its name. */
function begin(db: Db, { name, version, schema }: Projection): void {
  db.exec(`DROP TABLE IF EXISTS ${name}`);
  db.exec(schema);
  db.prepare(
    `INSERT INTO projection_heads (name, version, seq, stale) VALUES (?, ?, 0, NULL)
     ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = 0, stale = NULL`,
  ).run(name, version);
}
