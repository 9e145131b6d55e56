import type { Db } from "../journal/sqlite.ts";
import { countWithin, type Marks } from "./marks.ts";

/** A piece of the log, and what stands out in it. `last` below `first`: nothing happened. */
export interface Bucket {
  first: number;
  last: number;
  wall_from: number;
  wall_to: number;
  rows: number;
  starts: number;
  crashes: number;
  commands: number;
  boots: number;
}

export interface StripRequest {
  /** Pieces of the same length in time, or of as many rows. */
  by: "time" | "seq";
  buckets: number;
  from: number;
  to: number;
  stream?: string | undefined;
}

interface Clock {
  seq: number;
  at: number;
  wall: number;
}

/** The log as a line of pieces. It costs some looks into an index for each piece, whatever its length. */
export function strip(
  db: Db,
  marks: Marks,
  { by, buckets, from, to, stream }: StripRequest,
): Bucket[] {
  if (to < from) return [];
  const clockOf = db.prepare<[number], Clock>("SELECT seq, at, wall FROM events WHERE seq = ?");
  const at = (seq: number): Clock => clockOf.get(seq) ?? { seq, at: 0, wall: 0 };
  const [begin, end] = [at(from), at(to)];
  const boundary = (index: number): Clock => {
    const share = index / buckets;
    if (by === "seq") return at(Math.min(to, from + Math.floor(share * (to - from + 1))));
    const time = begin.at + share * (end.at - begin.at);
    const row = at(firstAfter(at, from, to, time));
    return { seq: row.seq, at: time, wall: row.wall - (row.at - time) };
  };
  const borders = Array.from({ length: buckets + 1 }, (_, index) => boundary(index));
  return Array.from({ length: buckets }, (_, index) => {
    const [here, next] = [borders[index] ?? begin, borders[index + 1] ?? end];
    const isLast = index === buckets - 1;
    const first = index === 0 ? from : here.seq;
    const last = isLast ? to : next.seq - 1;
    const count = (kind: Parameters<Marks["of"]>[0]): number =>
      countWithin(marks.of(kind, stream).seqs, first, last);
    return {
      first,
      last,
      wall_from: Math.round(here.wall),
      wall_to: Math.round(isLast ? end.wall : next.wall),
      rows: Math.max(0, last - first + 1),
      starts: count("start"),
      crashes: count("crash"),
      commands: count("command"),
      boots: countWithin(marks.of("boot").seqs, first, last),
    };
  });
}

/** The first row at a time of our own clock or after it. `at` rises with the numbers. */
function firstAfter(at: (seq: number) => Clock, from: number, to: number, time: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (at(middle).at < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
