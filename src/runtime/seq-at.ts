import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { ENVIRONMENT } from "./group.ts";

/** A stretch of the log in which the clock on the wall went on as our own does. */
interface Segment {
  from: number;
  to: number;
  /** What the clock on the wall said at its begin and at its end. */
  wallFrom: number;
  wallTo: number;
}

type Reader = Pick<EventReader, "anchor" | "head" | "firstSeq" | "bySeq" | "spans" | "stream">;

/** How far the clock on the wall may go from our own, in a row's neighbourhood, without an event that says so. */
const SLACK_MS = 2_000;
const ROUNDS = 3;

/**
 * The last row at a moment of the wall clock.
 *
 * That clock may be set forward and back, so times of rows do not rise with their numbers, but they do between two boots or recorded steps of the
 * clock. The newest such stretch that the moment lies in is taken; where it lies in none (no daemon ran), the last row of the one that ended
 * next before it. So a time that the clock showed twice means the second one, and a time when the clock was wrong finds what was done under it.
 *
 * It takes two looks a boot or step of the clock, and some forty for the rows.
 *
 * @param wallMs milliseconds since the epoch
 * @returns its seq; that of retention's cut where the moment is between that and what is left; one less where it is before the cut, 0 where
 *   nothing was ever cut
 */
export function seqAt(reader: Reader, wallMs: number): number {
  const segments = segmentsOf(reader).toReversed();
  const inside = segments.find(({ wallFrom, wallTo }) => wallFrom <= wallMs && wallMs < wallTo);
  if (inside) return lastWithin(reader, inside, wallMs);
  const before = segments.filter(({ wallTo }) => wallTo <= wallMs);
  const latest = Math.max(...before.map(({ wallTo }) => wallTo));
  const nearest = before.find(({ wallTo }) => wallTo === latest);
  return nearest?.to ?? beforeAll(reader, wallMs);
}

/** All that is left came later. Of the last row that is gone our own clock is known, and how far the other one was from it. */
function beforeAll(reader: Reader, wallMs: number): number {
  const cut = reader.anchor();
  if (!cut) return 0;
  const first = reader.bySeq(reader.firstSeq());
  const last = first ?? reader.spans().toSorted((one, other) => other.at - one.at)[0];
  const offset = last ? last.wall - last.at : 0;
  return wallMs >= cut.at + offset ? cut.seq : cut.seq - 1;
}

function segmentsOf(reader: Reader): Segment[] {
  const { seq: end } = reader.head();
  const first = reader.bySeq(reader.firstSeq());
  if (!first) return [];
  const begins = [first, ...beginsOf(reader, first.seq)];
  return begins.map((begin, place) => {
    const next = begins[place + 1];
    const to = next ? next.seq - 1 : end;
    const wallTo = next ? endOf(reader, to, next) : Infinity; // the newest goes on until now
    return { from: begin.seq, to, wallFrom: begin.wall, wallTo };
  });
}

function* beginsOf(reader: Reader, after: number): Generator<EventRow> {
  for (const row of reader.stream(ENVIRONMENT)) {
    const begins = row.type === "environment.booted" || row.type === "clock.stepped";
    if (begins && row.seq > after) yield row;
  }
}

/** A step is noticed within a second: the last rows before it have the new time already. */
function endOf(reader: Reader, to: number, next: EventRow): number {
  const byMs = next.type === "clock.stepped" ? next.data["byMs"] : undefined;
  if (typeof byMs === "number") return next.wall - byMs;
  return reader.bySeq(to)?.wall ?? 0;
}

/** Our own clock rises with the rows, so it leads near the place; there the rows' own wall times decide. */
function lastWithin(reader: Reader, { from, to }: Segment, wallMs: number): number {
  const row = (seq: number): EventRow | undefined => reader.bySeq(seq);
  const byAt = (at: number): number => lastThat(from, to, (seq) => (row(seq)?.at ?? 0) <= at);
  let near = from;
  let at = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const known = row(near);
    at = wallMs - (known ? known.wall - known.at : 0);
    near = Math.max(from, byAt(at));
  }
  const low = Math.max(from, byAt(at - SLACK_MS));
  const high = Math.max(low, byAt(at + SLACK_MS));
  return lastThat(low, high, (seq) => (row(seq)?.wall ?? 0) <= wallMs);
}

/** The last number for which something holds that holds for all before it; at least `low`. */
function lastThat(low: number, high: number, holds: (seq: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (holds(middle)) from = middle;
    else to = middle - 1;
  }
  return from;
}
