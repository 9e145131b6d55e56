import { constants } from "node:os";

const NUMBERS = constants.signals as Readonly<Record<string, number>>;
const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(NUMBERS)) {
  if (!NAMES.has(number)) NAMES.set(number, name.slice(3));
}

/** Number of a signal by its name with or without `SIG`, or undefined: `TERM` is 15. */
export const signalNumber = (name: string): number | undefined =>
  NUMBERS[name.startsWith("SIG") ? name : `SIG${name}`];

/** Name of a signal without `SIG`; what has no name, such as a real-time signal, is called by its number. */
export const signalName = (number: number): string => NAMES.get(number) ?? String(number);
