import type { KeyClaim } from "./journal.ts";
import type { EventRow } from "./record.ts";
import type { Snapshot } from "./snapshots.ts";

/** A stream and the version of its last row. */
export interface StreamEnd {
  stream: string;
  version: number;
}

/** A stream's last row, or what is known of it after retention took it. */
export interface LastRow extends StreamEnd {
  seq: number;
  at: number;
  wall: number;
}

/** Where a stream begins and ends. */
export interface StreamSpan extends LastRow {
  /** Of its first row that is left; infinite where only its state at the cut is left. */
  firstSeq: number;
  /** Whether it lived when retention cut last. */
  anchored: boolean;
  /** Of its last row: the machine's version, and the state it led to. Undefined where that is gone. */
  last?: { schema: number; toState: string };
}

/** Where retention has cut: all up to `seq` is gone, and the next row is chained to `hash`. */
export interface Anchor {
  seq: number;
  hash: string;
  /** `at` of the last row that is gone. */
  at: number;
  /** When it was cut, by the clock on the wall. */
  wall: number;
}

/** A key's request and, once it has ended, its reply. */
export interface KeyRecord extends KeyClaim {
  status?: number;
  reply?: string;
}

/** What narrows a question for the newest rows. */
export interface NewestFilter {
  stream?: string;
  /** Only rows below this seq: the page before. */
  before?: number;
}

/**
 * The read side of the event store. Answers come at once; a question for many rows costs some microseconds each.
 *
 * What retention has cut off is gone for all of them. Whoever asks for rows from a number on that is gone, or reads on while it goes, gets the AppError
 * `events_gone` with the first seq that is left in its details: never a gap in silence.
 */
export interface EventReader {
  /** The last row's seq, at and hash (the anchor's, where retention took all rows); seq 0 in an empty log. */
  head(): { seq: number; at: number; hash: string };
  /** The first seq that is left: below it retention has cut. 1 in an empty log. */
  firstSeq(): number;
  /** The newest cut of retention. */
  anchor(): Anchor | undefined;
  /** What people asked of a stream in rows that are gone, oldest first. */
  archived(stream: string): EventRow[];
  /** What each stream that lived on was at the newest cut. */
  anchorStates(): Snapshot[];
  /** The newest snapshot of a stream at or below a seq. Whether it fits is not proven yet: see `runtime/restore.ts`. */
  snapshotAt(stream: string, seq?: number): Snapshot | undefined;
  /** Rows with `seq` or above, at most `limit` of them. @throws AppError `events_gone` */
  fromSeq(seq: number, limit: number): EventRow[];
  /** Rows of one stream with `seq` or above, at most `limit` of them. @throws AppError `events_gone` */
  fromSeqIn(stream: string, seq: number, limit: number): EventRow[];
  /** All rows with `seq` or above (by default: that are left) up to the present head, read in batches. @throws AppError `events_gone` */
  all(seq?: number): Iterable<EventRow>;
  /** All rows of a stream with `version` or above (by default: that are left), read in batches. @throws AppError `events_gone` */
  stream(name: string, version?: number): Iterable<EventRow>;
  /** Every stream there is, by name: costs the number of streams, not of rows. */
  streams(): StreamEnd[];
  /** The same, with both ends of each. */
  spans(): StreamSpan[];
  /** The last row of a stream: its place where it is gone. */
  endOf(stream: string): LastRow | undefined;
  /** A row; a person's command also after retention took what was around it. */
  bySeq(seq: number): EventRow | undefined;
  /** The same. */
  byId(id: string): EventRow | undefined;
  lastOf(stream: string): EventRow | undefined;
  /** One row of a stream, by its version; undefined where retention has removed it. */
  ofVersion(stream: string, version: number): EventRow | undefined;
  /** Version of a stream's last row, whether it is left or not; 0 where nothing is known of it. */
  lastVersion(stream: string): number;
  /** The newest rows, oldest of them first. */
  newest(limit: number, filter?: NewestFilter): EventRow[];
  /** Rows that gave a service its definition, oldest first; those that retention has archived are among them. */
  definitions(stream: string): EventRow[];
  hasSealedValues(): boolean;
  sealedValue(ref: string): Uint8Array | undefined;
  /** @param now of the `at` clock: a key past its life is none */
  keyClaim(key: string, actor: string, now: number): KeyRecord | undefined;
  close(): void;
}
