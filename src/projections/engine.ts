import { messageOf } from "../base/errors.ts";
import type { AppendedRow, OnAppend } from "../journal/append.ts";
import type { Db } from "../journal/sqlite.ts";
import { lastSeq, markMade, markStale, whyStale } from "./heads.ts";
import type { Projection } from "./projection.ts";

/**
 * Folds appended rows into the projections, inside the transaction that stores the rows.
 *
 * A projection that throws is rolled back to before the batch and marked stale; the others and the rows stand.
 *
 * @param onStale told of it
 */
export function projectionHook(
  db: Db,
  projections: readonly Projection[],
  onStale: (projection: Projection, reason: string) => void = () => {},
): OnAppend {
  const current = db
    .prepare<[string, number], number>(
      "SELECT 1 FROM projection_heads WHERE name = ? AND version = ? AND stale IS NULL",
    )
    .pluck();
  const advance = db.prepare("UPDATE projection_heads SET seq = ? WHERE name = ?");
  const fold = db.transaction((projection: Projection, rows: readonly AppendedRow[]) => {
    for (const appended of rows) projection.on[appended.row.type]?.(db, appended, projection.name);
    advance.run(rows.at(-1)?.row.seq, projection.name);
  });
  return (rows) => {
    for (const projection of projections) {
      if (current.get(projection.name, projection.version) === undefined) continue;
      try {
        fold(projection, rows);
      } catch (error) {
        if (!db.inTransaction) throw error; // a full disk or an I/O error has undone the rows too
        const reason = `its handler failed after event ${(rows[0]?.row.seq ?? 1) - 1}: ${messageOf(error)}`;
        markStale(db, projection.name, reason);
        onStale(projection, reason);
      }
    }
  };
}

/**
 * Makes the tables of projections that are new, of another version, marked stale or behind the log, and folds the whole log into them at once:
 * for a log that is empty, or that nobody waits for.
 *
 * @param rows the log, each row with its actor after it; asked for only where something is to be folded
 * @returns names of the projections that were folded anew
 */
export function refold(
  db: Db,
  projections: readonly Projection[],
  rows: () => Iterable<AppendedRow>,
): string[] {
  const end = lastSeq(db);
  const old = projections.filter((projection) => whyStale(db, projection, end) !== undefined);
  if (old.length === 0) return [];
  db.transaction(() => {
    for (const { name, schema } of old) {
      db.exec(`DROP TABLE IF EXISTS ${name}`);
      db.exec(schema(name));
    }
    for (const appended of rows())
      for (const { name, on } of old) on[appended.row.type]?.(db, appended, name);
    for (const projection of old) markMade(db, projection, end);
  }).immediate();
  return old.map(({ name }) => name);
}
