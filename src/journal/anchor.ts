import { AppError } from "../base/errors.ts";
import type { Anchor } from "./event-reader.ts";
import type { Snapshot } from "./snapshots.ts";
import type { Db } from "./sqlite.ts";

/** SQL of the seq up to which rows are gone, also those that are still being removed; 0 where nothing was ever cut. */
export const CUT = "(SELECT coalesce(max(seq), 0) FROM anchors)";

/** Reads what retention left in the place of what it removed. */
export interface AnchorQueries {
  anchor(): Anchor | undefined;
  states(): Snapshot[];
  /** Up to which seq rows are gone: 0 where nothing was ever cut. */
  cut(): number;
  /** Whether a stream lived on past the cut. */
  has(stream: string): boolean;
}

export function anchorQueries(db: Db): AnchorQueries {
  const newest = db.prepare<[], Anchor>(
    "SELECT seq, hash, at, wall FROM anchors ORDER BY seq DESC LIMIT 1",
  );
  const states = db.prepare<[], Omit<Snapshot, "anchored">>(
    `SELECT state.stream, state.version, anchors.seq, anchors.hash, state.schema, state.state, state.digest
     FROM anchor_states AS state JOIN anchors ON anchors.seq = state.anchor WHERE state.anchor = ${CUT} ORDER BY state.stream`,
  );
  const cut = db.prepare<[], number>(`SELECT ${CUT}`).pluck();
  const one = db
    .prepare<[string], number>(`SELECT 1 FROM anchor_states WHERE anchor = ${CUT} AND stream = ?`)
    .pluck();
  return {
    anchor: () => newest.get(),
    states: () => states.all().map((state) => ({ ...state, anchored: true })),
    cut: () => cut.get() ?? 0,
    has: (stream) => one.get(stream) !== undefined,
  };
}

/** Rows that were asked for, or were being read, were removed. */
export const eventsGone = (cut: number): AppError =>
  new AppError(
    "events_gone",
    `events up to ${cut} are gone, retention has removed them: ask again from event ${cut + 1} on`,
    { details: { first: cut + 1 } },
  );
