import type { KeyClaim } from "./journal.ts";
import type { EventRow } from "./record.ts";

/** A stream and the version of its last row. */
export interface StreamEnd {
  stream: string;
  version: number;
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

/** The read side of the event store. Answers come at once; a question for many rows costs about a microsecond each. */
export interface EventReader {
  /** The last row's seq, at and hash; seq 0 in an empty log. */
  head(): { seq: number; at: number; hash: string };
  /** The first seq that is left: below it retention has cut. 1 in an empty log. */
  firstSeq(): number;
  /** Rows with `seq` or above, at most `limit` of them. */
  fromSeq(seq: number, limit: number): EventRow[];
  /** Rows of one stream with `seq` or above, at most `limit` of them. */
  fromSeqIn(stream: string, seq: number, limit: number): EventRow[];
  /** All rows with `seq` or above up to the present head, read in batches. */
  all(seq?: number): Iterable<EventRow>;
  /** All rows of a stream with `version` or above, read in batches. */
  stream(name: string, version?: number): Iterable<EventRow>;
  /** Every stream there is, by name: costs the number of streams, not of rows. */
  streams(): StreamEnd[];
  bySeq(seq: number): EventRow | undefined;
  byId(id: string): EventRow | undefined;
  lastOf(stream: string): EventRow | undefined;
  /** The newest rows, oldest of them first. */
  newest(limit: number, filter?: NewestFilter): EventRow[];
  hasSealedValues(): boolean;
  sealedValue(ref: string): Uint8Array | undefined;
  /** @param now of the `at` clock: a key past its life is none */
  keyClaim(key: string, actor: string, now: number): KeyRecord | undefined;
  close(): void;
}
