import type { Bucket } from "../data/wire.ts";

/* The line of time: from a place on it to a row and back. Shares are of its length, 0 to 1. */

export function bucketAt(buckets: readonly Bucket[], share: number): Bucket | undefined {
  return buckets[Math.min(buckets.length - 1, Math.floor(share * buckets.length))];
}

/** The last row at or before a place; the first of all where there is none before; undefined in an empty log. */
export function seqAt(buckets: readonly Bucket[], share: number): number | undefined {
  const place = Math.min(buckets.length - 1, Math.max(0, Math.floor(share * buckets.length)));
  const bucket = buckets[place];
  if (bucket && bucket.rows > 0) {
    const within = Math.min(1, Math.max(0, share * buckets.length - place));
    return Math.round(bucket.first + within * (bucket.last - bucket.first));
  }
  const before = buckets.slice(0, place).findLast(({ rows }) => rows > 0);
  return before?.last ?? buckets.find(({ rows }) => rows > 0)?.first;
}

/**
 * Where a row stands.
 *
 * @param wall its time, where it is known; else the place within its bucket is taken by its number
 */
export function positionOf(buckets: readonly Bucket[], seq: number, wall?: number): number {
  const index = buckets.findIndex(
    ({ rows, first, last }) => rows > 0 && seq >= first && seq <= last,
  );
  const bucket = buckets[index];
  if (!bucket) {
    const last = buckets.findLast(({ rows }) => rows > 0);
    return last && seq > last.last ? 1 : 0;
  }
  const span = bucket.wall_to - bucket.wall_from;
  const byTime = wall === undefined || span <= 0 ? undefined : (wall - bucket.wall_from) / span;
  const bySeq =
    bucket.last === bucket.first ? 0 : (seq - bucket.first) / (bucket.last - bucket.first);
  const within = byTime !== undefined && byTime >= 0 && byTime <= 1 ? byTime : bySeq;
  return (index + within) / buckets.length;
}
