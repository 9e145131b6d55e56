import { type Random, seeded } from "../support/random.ts";

/** Everything that is left to chance in one run, from one seed. */
export interface Chance {
  /** One number after the other: for what is decided step by step. */
  readonly stream: Random;
  /**
   * 0 up to 1, by the name of what is drawn: the same name gives the same number, whatever else was drawn before.
   * So a step that is left out of a history leaves the luck of the others as it was.
   */
  draw(name: string): number;
  /** A whole number, `from` and `to` included. */
  whole(name: string, from: number, to: number): number;
}

export function chanceOf(seed: number): Chance {
  const draw = (name: string): number => seeded(mixed(seed, name)).next();
  return {
    stream: seeded(seed),
    draw,
    whole: (name, from, to) => from + Math.floor(draw(name) * (to - from + 1)),
  };
}

/** FNV-1a, 32 bits. Source: RFC 9923. */
function mixed(seed: number, name: string): number {
  let hash = (0x811c_9dc5 ^ seed) >>> 0;
  for (let place = 0; place < name.length; place += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(place), 0x0100_0193) >>> 0;
  }
  return hash;
}
