import { constants } from "node:os";
import { nearest } from "../base/nearest.ts";
import { badField } from "./refuse.ts";

/** Linux has 34 to 64 as real-time signals; glibc and musl begin theirs at 34 or 35, so they are named from SIGRTMIN. Source: signal(7). */
const REAL_TIME_SIGNALS = 30;

/** Number → its usual name, and every name → the usual one: IOT is ABRT, POLL is IO. */
const NUMBERS: readonly (readonly [string, number])[] = Object.entries(constants.signals).map(
  ([name, number]) => [name.slice("SIG".length), number],
);
const USUAL = new Map(NUMBERS.map(([name, number]) => [number, name] as const).toReversed());
const NAMES = new Map([
  ...NUMBERS.map(([name, number]) => [name, USUAL.get(number) ?? name] as const),
  ["CLD", "CHLD"] as const,
]);

/** What is said to be allowed where a signal is refused. */
const ALLOWED = `one of ${[...new Set(NAMES.values())].join(", ")}, RTMIN to RTMIN+${REAL_TIME_SIGNALS}`;

function realTime(word: string): string | undefined {
  const [, base, offset = "0"] = /^RT(MIN|MAX)(?:[+-](\d{1,2}))?$/.exec(word) ?? [];
  const sign = word.includes("-") ? "MAX" : "MIN";
  const distance = Number(offset);
  if (!base || distance > REAL_TIME_SIGNALS || (distance > 0 && base !== sign)) return undefined;
  const above = base === "MIN" ? distance : REAL_TIME_SIGNALS - distance;
  return above === 0 ? "RTMIN" : `RTMIN+${above}`;
}

/**
 * A signal's name without `SIG`, upper case: taken with or without it, in any case, or as a number; real-time ones as
 * `RTMIN+n`.
 *
 * @param field what it was given for, named in the refusal
 * @throws AppError `invalid_request` listing the names
 */
export function signalName(text: string, field = "signal"): string {
  const word = text.toUpperCase().replace(/^SIG/, "");
  const name = /^\d+$/.test(word) ? USUAL.get(Number(word)) : (NAMES.get(word) ?? realTime(word));
  if (name !== undefined) return name;
  const guess = nearest(word, [...NAMES.keys()]);
  throw badField(field, text, guess === undefined ? ALLOWED : `${ALLOWED}; did you mean ${guess}?`);
}
