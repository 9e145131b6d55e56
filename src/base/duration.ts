import { AppError } from "./errors.ts";

/** Nanoseconds of each unit that Go's durations have. */
const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n, // micro sign
  "\u03bcs": 1_000n, // Greek mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const TEXT = /^\+?(?:0+|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
const PART = /(\d*)\.?(\d*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

/** What is said to be allowed wherever a duration is refused. */
export const DURATION_ALLOWED = "a duration such as 500ms, 5s, 1m30s or 2h, not negative";

/** The longest duration taken: Node fires a timer over 2^31 - 1 ms (24.8 days) at once. */
export const MAX_DURATION_MS = 24 * 24 * 3_600_000;

const nanoseconds = (whole: string, fraction: string, unit: bigint): bigint =>
  ((BigInt(whole || "0") * 10n ** BigInt(fraction.length) + BigInt(fraction || "0")) * unit) /
  10n ** BigInt(fraction.length);

/**
 * Milliseconds of a Go duration (`time.ParseDuration`), or undefined where the text is none, is negative or over 64 characters.
 *
 * Rounded up to a whole millisecond, so that what is not 0 does not become 0.
 */
export function durationMs(text: string): number | undefined {
  if (text.length > 64 || !TEXT.test(text)) return undefined;
  let sum = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(PART)) {
    sum += nanoseconds(whole, fraction, UNIT_NS[unit] ?? 0n);
  }
  return Number((sum + 999_999n) / 1_000_000n);
}

/**
 * Milliseconds of a Go duration.
 *
 * @param field what the duration was given for, named in the refusal
 * @param maxMs the longest taken, in milliseconds
 * @throws AppError `invalid_request` naming field, value and what is allowed
 */
export function parseDuration(text: string, field: string, maxMs = MAX_DURATION_MS): number {
  const ms = durationMs(text);
  if (ms !== undefined && ms <= maxMs) return ms;
  const allowed =
    ms === undefined ? DURATION_ALLOWED : `a duration of at most ${formatDuration(maxMs)}`;
  const value = text.slice(0, 80);
  throw new AppError("invalid_request", `${field} is "${value}": allowed is ${allowed}`, {
    details: { field, value, allowed },
  });
}

/** A number with its fraction's trailing zeros cut: 1500 ms in seconds is `1.5`. */
const decimal = (value: number, per: number, digits: number): string =>
  (value / per).toFixed(digits).replace(/\.?0+$/, "");

/**
 * A duration as Go prints it (`time.Duration.String`): `0s`, `500ms`, `1.5s`, `1m30s`, `1h0m0s`.
 *
 * @param ms whole milliseconds, not negative
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 1_000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${ms % 60_000 === 0 ? "0" : decimal(ms % 60_000, 1_000, 3)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
