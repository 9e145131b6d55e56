/* Figures and times in words. Nothing of the page, so that tests need no browser. */

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `3 d 4 h`, `12 min 5 s`, `820 ms`: the two largest units. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count === 0 && parts.length === 0) continue;
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(" ");
}

/** `14 min`: the largest unit, where there is little room. */
export function shortDuration(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= one) ?? ["s", 1_000];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `14:03:07` by the clock of who looks. */
export function clockText(wall: number): string {
  const date = new Date(wall);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `14:03:07.412` */
export const preciseClock = (wall: number): string =>
  `${clockText(wall)}.${String(Math.floor(wall) % 1_000).padStart(3, "0")}`;

/** `2026-11-25 14:03:07` */
export function dateText(wall: number): string {
  const date = new Date(wall);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockText(wall)}`;
}

const SIZES = ["B", "kB", "MB", "GB", "TB"] as const;

/** `34 MB`, of thousands. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let place = 0;
  while (value >= 1_000 && place < SIZES.length - 1) {
    value /= 1_000;
    place += 1;
  }
  return `${value < 10 && place > 0 ? value.toFixed(1) : Math.round(value)} ${SIZES[place]}`;
}

/** `1,204,331` */
export const countText = (count: number): string => count.toLocaleString("en");

/** `1 crash`, `3 crashes` */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

export interface Exit {
  code?: number | undefined;
  signal?: string | undefined;
  core?: boolean | undefined;
  oom?: boolean | undefined;
  spawn_error?: string | undefined;
  unknown?: boolean | undefined;
}

/** How a process ended: `exit 1`, `SIGSEGV, core dumped`. */
export function exitText(exit: Exit | undefined): string | undefined {
  if (!exit) return undefined;
  if (exit.spawn_error !== undefined) return `could not start: ${exit.spawn_error}`;
  if (exit.oom) return "killed: out of memory";
  if (exit.signal !== undefined) return `SIG${exit.signal}${exit.core ? ", core dumped" : ""}`;
  if (exit.code !== undefined) return `exit ${exit.code}`;
  return exit.unknown ? "ended unseen" : undefined;
}
