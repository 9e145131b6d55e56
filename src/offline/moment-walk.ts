import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { statesAt } from "../runtime/past.ts";
import type { Fold } from "../runtime/replay.ts";
import { lastUpTo, type PastSprite, spriteIn } from "./past-services.ts";

/** So many rows further on it is cheaper to fold them than to begin anew from snapshots. */
const NEAR = 2_000;

interface Place {
  seq: number;
  /** What retention had cut by then. */
  cut: number;
  fold: Fold;
  last: Map<string, EventRow | undefined>;
}

/**
 * Any moment of a log, one after another: who plays the past, or drags along it, mostly asks for one a little later than the last. From there the rows between are folded;
 * anywhere else it begins anew.
 */
export class MomentWalk {
  readonly #reader: EventReader;
  #at: Place | undefined;

  constructor(reader: EventReader) {
    this.#reader = reader;
  }

  /** @throws AppError as `spriteAt` */
  spriteAt(seq: number): PastSprite {
    const place = this.#near(seq) ? this.#onTo(seq) : this.#anew(seq);
    this.#at = place;
    const { fold, last } = place;
    return spriteIn(fold, (stream) => {
      if (!last.has(stream)) last.set(stream, lastUpTo(this.#reader, stream, seq));
      return last.get(stream);
    });
  }

  #near(seq: number): boolean {
    const at = this.#at;
    return at !== undefined && seq >= at.seq && seq - at.seq <= NEAR && at.cut === this.#cut();
  }

  #cut(): number {
    return this.#reader.anchor()?.seq ?? 0;
  }

  #anew(seq: number): Place {
    const cut = this.#cut();
    const fold = statesAt(this.#reader, seq);
    fold.startsAnywhere = true; // streams that had ended by then are not in it, and may be born again
    return { seq, cut, fold, last: new Map() };
  }

  /** Where reading on fails, as when retention cuts meanwhile, the next one begins anew. */
  #onTo(seq: number): Place {
    const at = this.#at;
    if (!at) return this.#anew(seq);
    this.#at = undefined;
    for (const row of this.#reader.fromSeq(at.seq + 1, seq - at.seq)) {
      at.fold.add(row);
      at.last.set(row.stream, row);
    }
    return { ...at, seq };
  }
}
