import { constants } from "node:os";
import { bind, exists } from "./libc.ts";

const NUMBERS = constants.signals as Readonly<Record<string, number>>;
const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(NUMBERS)) {
  if (!NAMES.has(number)) NAMES.set(number, name.slice(3));
}

const REAL_TIME = /^RTMIN(?:\+(\d{1,2}))?$/;
const LAST_SIGNAL = 64;

/** The C library's first real-time signal: it keeps those below for itself, glibc two and musl three. Source: signal(7). */
const currentMin = bind<() => number>("int __libc_current_sigrtmin()");
let least: number | undefined;
const firstRealTime = (): number =>
  (least ??= exists("__libc_current_sigrtmin") ? currentMin() : LAST_SIGNAL + 1);

/** Number of a signal by its name with or without `SIG`, or undefined: `TERM` is 15, `RTMIN+1` the second real-time one. */
export function signalNumber(name: string): number | undefined {
  const word = name.startsWith("SIG") ? name.slice(3) : name;
  const [realTime, offset = "0"] = REAL_TIME.exec(word) ?? [];
  if (realTime === undefined) return NUMBERS[`SIG${word}`];
  const number = firstRealTime() + Number(offset);
  return number <= LAST_SIGNAL ? number : undefined;
}

const setMask = bind<(how: number, set: Buffer, old: null) => number>(
  "int pthread_sigmask(int how, const void *set, void *old)",
);
/** Source: bits/sigaction.h, SIG_UNBLOCK. */
const UNBLOCK = 1;
const SET_BYTES = 128;

/** Lets a signal through to this thread that Node blocks in all of them, as SIGUSR1 with --disable-sigusr1. */
export function unblockSignal(name: string): void {
  const set = Buffer.alloc(SET_BYTES);
  const bit = (signalNumber(name) ?? 0) - 1;
  if (bit < 0) return;
  set[bit >> 3] = 1 << (bit & 7);
  setMask(UNBLOCK, set, null);
}

/** Name of a signal without `SIG`; the C library's own have none and are called by their number. */
export function signalName(number: number): string {
  const name = NAMES.get(number);
  if (name !== undefined) return name;
  const above = number - firstRealTime();
  if (above < 0 || number > LAST_SIGNAL) return String(number);
  return above === 0 ? "RTMIN" : `RTMIN+${above}`;
}
