import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { seqAt } from "../runtime/seq-at.ts";
import { type Moment, momentOf } from "./moment.ts";
import { timeText } from "../base/time-text.ts";

/** A place in the log: after which row, and what the clocks said. */
export interface Place {
  /** 0 is before the first row. */
  seq: number;
  /** The moment that was asked for, or the row's own. Milliseconds of the wall clock. */
  wall: number;
  /** What is to be added to a time of our own clock to have one of the wall's. */
  wallOffset: number;
}

/**
 * Where in the log a moment is.
 *
 * @param text as somebody gave it; undefined is now
 * @param now milliseconds of the wall clock
 * @param flag what it was given for, named in a refusal
 * @throws AppError `invalid_request` for what is no moment, or yet to come; `not_found` for an event that is not in the log; `events_gone`
 */
export function placeOf(
  reader: EventReader,
  text: string | undefined,
  now: number,
  flag: string,
): Place {
  const moment = momentOf(text ?? "now", now, flag);
  const seq = seqOf(reader, moment, now, flag);
  const row = reader.bySeq(seq);
  const wall = moment.kind === "time" ? moment.wall : (row?.wall ?? 0);
  return { seq, wall, wallOffset: row ? row.wall - row.at : 0 };
}

function seqOf(reader: EventReader, moment: Moment, now: number, flag: string): number {
  if (moment.kind === "seq") return known(reader, moment.seq, flag);
  if (moment.kind === "id") return eventOf(reader, moment.id, flag);
  return timed(reader, moment.wall, now, flag);
}

function known(reader: EventReader, seq: number, flag: string): number {
  const { seq: last } = reader.head();
  if (seq > last) {
    const message = `${flag} is event ${seq}, and the log ends at event ${last}`;
    throw new AppError("invalid_request", message, { details: { field: flag, last_seq: last } });
  }
  if (seq < reader.firstSeq() - 1) throw gone(reader, `event ${seq}`);
  return seq;
}

function eventOf(reader: EventReader, id: string, flag: string): number {
  const row = reader.byId(id);
  if (row) return known(reader, row.seq, flag); // a wish may be in the archive still
  const why = reader.firstSeq() > 1 ? ": there is none, or retention has removed it" : "";
  throw new AppError("not_found", `${flag} is ${id}, and no event of the log has that id${why}`);
}

function timed(reader: EventReader, wall: number, now: number, flag: string): number {
  const { seq: last } = reader.head();
  if (wall > Math.max(now, reader.bySeq(last)?.wall ?? 0))
    throw new AppError("invalid_request", `${flag} is ${timeText(wall)}, which is yet to come`);
  const first = reader.firstSeq();
  const seq = seqAt(reader, wall);
  if (seq < first - 1) throw gone(reader, timeText(wall));
  return seq;
}

function gone(reader: EventReader, what: string): AppError {
  const first = reader.firstSeq();
  const since = reader.bySeq(first);
  const at = since ? ` (${timeText(since.wall)})` : "";
  const message = `${what} is before what retention has kept: the first event that is left is ${first}${at}`;
  return new AppError("events_gone", message, { details: { first } });
}
