import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventReader } from "./event-reader.ts";
import type { EventRow } from "./record.ts";
import type { Tail } from "./tail.ts";

/** What to follow, from where, until when. */
export interface FollowOptions {
  /** The first seq that is wanted; it must not be below the log's first. */
  from: number;
  wants?: (row: EventRow) => boolean;
  /** Ends it. (A generator's own `return` waits for the next row.) */
  signal?: AbortSignal;
}

/** Rows of the past that are read at a time; other work gets its turn between. */
const BATCH = 200;

/**
 * The log from a row on, then every row as it is committed: none twice, none left out, in order.
 *
 * A reader slower than the log costs no memory: the tail drops it, and it is read to from the log until it has caught up.
 */
export async function* follow(
  log: Pick<EventReader, "fromSeq">,
  tail: Tail,
  { from, wants = () => true, signal }: FollowOptions,
): AsyncGenerator<EventRow> {
  let next = from;
  const stopped = (): boolean => signal?.aborted ?? false;
  while (!stopped()) {
    const live = tail.subscribe(wants); // before the past is read, so that nothing falls between
    const stop = (): void => live.close();
    signal?.addEventListener("abort", stop);
    try {
      for await (const row of past(log, next, stopped)) {
        if (stopped()) return;
        next = row.seq + 1;
        if (wants(row)) yield row;
      }
      for await (const row of live) {
        if (stopped()) return;
        if (row.seq < next) continue;
        next = row.seq + 1;
        yield row;
      }
    } finally {
      live.close();
      signal?.removeEventListener("abort", stop);
    }
    if (live.ended === "closed") return;
  }
}

async function* past(
  log: Pick<EventReader, "fromSeq">,
  from: number,
  stopped: () => boolean,
): AsyncGenerator<EventRow> {
  for (let next = from; !stopped();) {
    const rows = log.fromSeq(next, BATCH);
    yield* rows;
    if (rows.length < BATCH) return;
    next += rows.length;
    await nextTurn();
  }
}
