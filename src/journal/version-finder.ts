import type { Db } from "./sqlite.ts";

/**
 * Finds the version of a stream's first row at or above a sequence number; one more than its last where there is none.
 *
 * The index has streams by version, and versions have no gaps and rise with the sequence number, so it is found in some twenty looks however long
 * the stream is; a search by seq alone would walk through all of it.
 */
export function versionFinder(db: Db): (stream: string, seq: number) => number {
  const ends = db.prepare<[string, string], { first: number | null; last: number | null }>(
    `SELECT (SELECT min(version) FROM events WHERE stream = ?) AS first,
            (SELECT max(version) FROM events WHERE stream = ?) AS last`,
  );
  const seqOf = db
    .prepare<[string, number], number>("SELECT seq FROM events WHERE stream = ? AND version = ?")
    .pluck();
  return (stream, seq) => {
    const { first, last } = ends.get(stream, stream) ?? { first: null, last: null };
    let low = first ?? 1;
    let high = (last ?? 0) + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((seqOf.get(stream, middle) ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
