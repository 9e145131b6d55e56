import type { Db } from "./sqlite.ts";

/** Rows removed at a time. */
const SLICE = 500;
/** Rows from each end that are measured. */
const SAMPLE = 100;
const SHARE = 0.9;

/**
 * Removes the oldest archived commands where they take more than so many bytes: they are kept beyond the log, not without end.
 *
 * @returns steps of some 10 ms; each is done when the next is asked for
 */
export function* trimArchive(db: Db, bytes: number): Generator<void> {
  const count = db.prepare<[], number>("SELECT count(*) FROM archived_commands").pluck().get() ?? 0;
  const size = count * meanBytes(db);
  yield;
  if (size <= bytes) return;
  const remove = db.prepare<[number]>(
    "DELETE FROM archived_commands WHERE seq IN (SELECT seq FROM archived_commands ORDER BY seq LIMIT ?)",
  );
  for (let left = Math.ceil(count * (1 - (SHARE * bytes) / size)); left > 0; left -= SLICE) {
    remove.run(Math.min(SLICE, left));
    yield;
  }
}

const meanBytes = (db: Db): number =>
  db
    .prepare<[], number | null>(
      `SELECT avg(500 + length(data)) FROM (
         SELECT * FROM (SELECT data FROM archived_commands ORDER BY seq LIMIT ${SAMPLE})
         UNION ALL SELECT * FROM (SELECT data FROM archived_commands ORDER BY seq DESC LIMIT ${SAMPLE}))`,
    )
    .pluck()
    .get() ?? 0;
