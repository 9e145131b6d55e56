import type { EventReader } from "../journal/event-reader.ts";
import { statesAt } from "../runtime/past.ts";
import type { Fold } from "../runtime/replay.ts";
import { type PastSprite, spriteIn } from "./past-services.ts";

/** So many rows further on it is cheaper to fold them than to begin anew from snapshots. */
const NEAR = 2_000;
/** Whoever goes back goes back again: a fold that begins so many rows earlier serves the steps that follow. */
const STRIDE = 500;
/** So many places are remembered: some hundred kilobytes each with 100 services, most of it shared. */
const KEPT = 16;

interface Place {
  seq: number;
  /** What retention had cut by then. */
  cut: number;
  fold: Fold;
}

/**
 * Any moment of a log, one after another: who plays the past, or drags along it, mostly asks for one near the last. From the nearest place before it that is remembered
 * the rows between are folded; anywhere else it begins anew.
 */
export class MomentWalk {
  readonly #reader: EventReader;
  /** The last used last. */
  #places: Place[] = [];
  #last = 0;

  constructor(reader: EventReader) {
    this.#reader = reader;
  }

  /** @throws AppError as `spriteAt` */
  spriteAt(seq: number): PastSprite {
    const cut = this.#reader.anchor()?.seq ?? 0;
    this.#places = this.#places.filter((place) => place.cut === cut);
    const begin = this.#before(seq) ?? this.#keep(this.#anew(this.#landing(seq), cut));
    const { fold } = begin.seq === seq ? begin : this.#keep(this.#onTo(begin, seq));
    this.#last = seq;
    return spriteIn(fold, this.#reader);
  }

  /** The nearest place from which it is not far. */
  #before(seq: number): Place | undefined {
    const near = this.#places.filter((place) => place.seq <= seq && seq - place.seq <= NEAR);
    const [nearest] = near.toSorted((one, other) => other.seq - one.seq);
    if (nearest) this.#keep(nearest);
    return nearest;
  }

  /** Where a fold for this moment begins: a stride earlier for one that is just behind the last. */
  #landing(seq: number): number {
    const isStepBack = seq < this.#last && this.#last - seq <= NEAR;
    const cut = this.#reader.anchor()?.seq ?? 0;
    return isStepBack ? Math.min(seq, Math.max(seq - STRIDE, cut, 1)) : seq;
  }

  #anew(seq: number, cut: number): Place {
    const fold = statesAt(this.#reader, seq);
    fold.startsAnywhere = true; // streams that had ended by then are not in it, and may be born again
    return { seq, cut, fold };
  }

  #onTo({ seq: from, cut, fold: before }: Place, seq: number): Place {
    const fold = before.copy();
    for (const row of this.#reader.fromSeq(from + 1, seq - from)) fold.add(row);
    return { seq, cut, fold };
  }

  #keep(place: Place): Place {
    const others = this.#places.filter((other) => other !== place);
    this.#places = [...others, place].slice(-KEPT);
    return place;
  }
}
