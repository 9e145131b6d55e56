/** A promise of the product that a run saw broken. */
export class Broken extends Error {
  /** Which one: an invariant's number, or a word for it. */
  readonly promise: string;

  constructor(promise: string, message: string) {
    super(`${promise}: ${message}`);
    this.name = "Broken";
    this.promise = promise;
  }
}

/** @throws Broken unless it is kept */
export function keeps(kept: boolean, promise: string, message: () => string): void {
  if (!kept) throw new Broken(promise, message());
}
