/** What a service can be, as far as one who asks knows: it is not there, or has this tag and this wish. */
export type Belief = "absent" | { tag: string; desired: "running" | "stopped" };

/** What a command makes of a service. */
export type Change = (before: Belief) => Belief;

export const CHANGES = {
  put:
    (tag: string): Change =>
    () => ({ tag, desired: "running" }),
  run: (before: Belief): Belief =>
    before === "absent" ? before : { ...before, desired: "running" },
  stop: (before: Belief): Belief =>
    before === "absent" ? before : { ...before, desired: "stopped" },
  remove: (): Belief => "absent",
  nothing: (before: Belief): Belief => before,
} as const;

const nameOf = (belief: Belief): string =>
  belief === "absent" ? "absent" : `${belief.tag} ${belief.desired}`;

/**
 * What one client, the only one that changes a service, can say about it: everything that may be true. A command whose answer was lost may have been
 * carried out or not; one that was acknowledged was.
 */
export class Believed {
  #possible: Belief[] = ["absent"];
  #pending: Change = CHANGES.nothing;

  /** All that may be true, with the command that is under way. */
  get possible(): Belief[] {
    const all = [...this.#possible, ...this.#possible.map(this.#pending)];
    return [...new Map(all.map((belief) => [nameOf(belief), belief])).values()];
  }

  /** A command is sent, for the first time or again. */
  sent(change: Change): void {
    this.#pending = change;
  }

  acknowledged(): void {
    this.#possible = this.#possible.map(this.#pending);
    this.#pending = CHANGES.nothing;
  }

  /** It was not carried out. */
  refused(): void {
    this.#pending = CHANGES.nothing;
  }

  /** Nobody will ask again for the answer that was lost. */
  givenUp(): void {
    this.#possible = this.possible;
    this.#pending = CHANGES.nothing;
  }

  /** Something was seen: what disagrees was not true. @throws where that is everything */
  seen(what: string, agrees: (belief: Belief) => boolean): void {
    const left = this.possible.filter(agrees);
    const known = this.possible.map(nameOf).join(" or ");
    if (left.length === 0) throw new Error(`it is ${what}, and must be ${known}`);
  }

  /** The same, and from now on only what agrees is believed. */
  learned(what: string, agrees: (belief: Belief) => boolean): void {
    this.seen(what, agrees);
    this.#possible = this.possible.filter(agrees);
    this.#pending = CHANGES.nothing;
  }
}
