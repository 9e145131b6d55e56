import { durationMs } from "../base/duration.ts";
import { AppError } from "../base/errors.ts";

/** A moment of the past as somebody gave it: a row of the log, or a time. */
export type Moment =
  | { kind: "seq"; seq: number }
  | { kind: "id"; id: string }
  /** `wall`: milliseconds of the wall clock. */
  | { kind: "time"; wall: number };

/** What is said to be allowed wherever a moment is refused. */
export const MOMENT_ALLOWED =
  'a time such as "2026-11-24 13:00", 2026-11-24T13:00:00Z, 13:00, "yesterday 13:00", "last tuesday 13:00", -2h or -3d; ' +
  "or an event, such as 1234, #1234 or ev_…; or now";

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const DAY_MS = 86_400_000;

/** Hours, minutes, and maybe seconds with a fraction. */
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
/** RFC 3339, section 5.6; a space in the place of the T, as its note allows. */
const ZONED = /^(\d{4}-\d{2}-\d{2})[T ]([\d:.]+)(Z|[+-]\d{2}:\d{2})$/i;

/**
 * Reads a moment as people write it. Times without a zone are local. A time of day alone is the last one that has passed; a day alone is its
 * beginning; `last tuesday` and `tuesday` are the last one before today.
 *
 * @param now milliseconds of the wall clock
 * @param flag what it was given for, named in the refusal
 * @throws AppError `invalid_request` that names what is allowed
 */
export function momentOf(text: string, now: number, flag: string): Moment {
  const words = text.trim();
  const seq = /^#?(\d{1,15})$/.exec(words)?.[1];
  if (seq !== undefined) return { kind: "seq", seq: Number(seq) };
  if (/^ev_\w+$/.test(words)) return { kind: "id", id: words };
  const wall = timeOf(words.toLowerCase(), now);
  if (wall !== undefined) return { kind: "time", wall };
  throw new AppError(
    "invalid_request",
    `${flag} is "${text.slice(0, 80)}": allowed is ${MOMENT_ALLOWED}`,
    { details: { field: flag, value: text.slice(0, 80), allowed: MOMENT_ALLOWED } },
  );
}

function timeOf(text: string, now: number): number | undefined {
  if (text === "now") return now;
  return ago(text, now) ?? zoned(text) ?? local(text, now);
}

/** `-2h`, `-1h30m`, `-3d`, `-1w`, `2h ago`. */
function ago(text: string, now: number): number | undefined {
  const [, signed, plain] = /^(?:-(\S+)|(\S+) ago)$/.exec(text) ?? [];
  const span = signed ?? plain;
  if (span === undefined) return undefined;
  const [, count, unit, rest] = /^(?:(\d{1,5})(w|d))?(.*)$/.exec(span) ?? [];
  const days = count === undefined ? 0 : Number(count) * (unit === "w" ? 7 : 1) * DAY_MS;
  const ms = rest === "" && count !== undefined ? 0 : durationMs(rest ?? "");
  return ms === undefined ? undefined : now - days - ms;
}

function zoned(text: string): number | undefined {
  const [, date = "", clock = "", zone = ""] = ZONED.exec(text) ?? [];
  const midnight = dayOf(date);
  const ofDay = clockMs(clock);
  if (midnight === undefined || ofDay === undefined) return undefined;
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d{2}):(\d{2})$/.exec(zone) ?? [];
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const { year, month, day } = midnight;
  return Date.UTC(year, month - 1, day) + ofDay - offset;
}

/** A day, a time of day, or both, where we are. */
function local(text: string, now: number): number | undefined {
  const [, dayText = "", clock] = /^(.*?)(?:(?:^|[t ])([\d:.]+))?$/.exec(text) ?? [];
  const ofDay = clock === undefined ? 0 : clockMs(clock);
  if (ofDay === undefined) return undefined;
  if (dayText === "") return clock === undefined ? undefined : lastPassed(ofDay, now);
  const day = dayOf(dayText) ?? namedDay(dayText, now);
  return day && at(day, ofDay);
}

interface Day {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
}

/** Not the sum of midnight and the time of day: a day on which the clocks change has 23 or 25 hours. */
const at = ({ year, month, day }: Day, ofDay: number): number =>
  new Date(year, month - 1, day, 0, 0, 0, 0).setHours(0, 0, 0, ofDay);

function lastPassed(ofDay: number, now: number): number {
  const today = at(calendar(now, 0), ofDay);
  return today <= now ? today : at(calendar(now, -1), ofDay);
}

/** The day so many days from today. */
function calendar(now: number, days: number): Day {
  const date = new Date(now);
  date.setHours(12, 0, 0, 0); // far from a change of the clocks
  date.setDate(date.getDate() + days);
  return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
}

function namedDay(text: string, now: number): Day | undefined {
  if (text === "today") return calendar(now, 0);
  if (text === "yesterday") return calendar(now, -1);
  const name = /^(?:last )?(\w+)$/.exec(text)?.[1] ?? "";
  const weekday = DAYS.findIndex((day) => day === name || day.slice(0, 3) === name);
  if (weekday < 0) return undefined;
  const back = (new Date(now).getDay() - weekday + 7) % 7;
  return calendar(now, -(back === 0 ? 7 : back));
}

function dayOf(text: string): Day | undefined {
  const [, year, month, day] = DATE.exec(text) ?? [];
  const parts = { year: Number(year), month: Number(month), day: Number(day) };
  const date = new Date(Date.UTC(parts.year, parts.month - 1, parts.day));
  const isReal = date.getUTCMonth() === parts.month - 1 && date.getUTCDate() === parts.day;
  return isReal ? parts : undefined; // there is no 30 February
}

/** Milliseconds since midnight, as a clock counts them. */
function clockMs(text: string): number | undefined {
  const [, hours, minutes, seconds = "0", fraction = ""] = CLOCK.exec(text) ?? [];
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  if (!(hour < 24 && minute < 60 && second < 60)) return undefined;
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  return ((hour * 60 + minute) * 60 + second) * 1_000 + ms;
}
