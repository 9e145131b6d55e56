import type { ArgsDef, CommandMeta, ParsedArgs } from "citty";
import { AppError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Argument } from "./verb.ts";

/*
 * citty's own reader takes unknown flags, keeps the last of two, checks no numbers, turns a missing value into "" and
 * costs a tenth of the time in which `services list` starts and ends. So verbs are defined as citty defines them, and read here.
 */

/** A command line that was found right. */
export interface Words {
  /** What citty would hand to a verb. */
  args: ParsedArgs;
  /** Every value of what may be given more than once. */
  repeated: ReadonlyMap<string, readonly string[]>;
}

interface Reading {
  raw: readonly string[];
  meta: CommandMeta;
  flags: ReadonlyMap<string, Argument>;
  short: ReadonlyMap<string, string>;
  positionals: readonly [string, Argument][];
  values: Map<string, string[]>;
  switches: Map<string, boolean>;
  words: string[];
  next: number;
}

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/**
 * Reads the words after a verb as its definition says.
 *
 * @throws AppError `invalid_request` for an unknown flag (with the one that was probably meant), a missing or repeated value, a value its
 *   check refuses, a word too many or too few; `not_built_yet` for flags of later releases
 */
export function strict(raw: readonly string[], args: ArgsDef, meta: CommandMeta): Words {
  const reading = beginning(raw, args, meta);
  while (reading.next < raw.length) readWord(reading, raw[reading.next++] ?? "");
  requireFlags(reading);
  return { args: argsOf(reading), repeated: repeatedOf(reading) };
}

function beginning(raw: readonly string[], args: ArgsDef, meta: CommandMeta): Reading {
  const all = Object.entries(args) as [string, Argument][]; // Argument only adds optional keys
  const flags = new Map(all.filter(([, arg]) => arg.type !== "positional"));
  return {
    raw,
    meta,
    flags,
    short: new Map([...flags].flatMap(([name, arg]) => aliasesOf(arg).map((one) => [one, name]))),
    positionals: all.filter(([, arg]) => arg.type === "positional"),
    values: new Map(),
    switches: new Map(),
    words: [],
    next: 0,
  };
}

const aliasesOf = (arg: Argument): string[] =>
  "alias" in arg && arg.alias ? [arg.alias].flat() : [];

function readWord(reading: Reading, word: string): void {
  if (word === "--") throw afterDashes(reading);
  if (word.startsWith("--")) readLong(reading, word.slice(2));
  else if (word.startsWith("-") && word !== "-" && !isNumber(reading, word))
    readShort(reading, word.slice(1));
  else reading.words.push(word);
}

/** `-1` is a word like any other where the verb takes words and has no flag of that name. */
const isNumber = ({ short, positionals }: Reading, word: string): boolean =>
  /^-\d+$/.test(word) && positionals.length > 0 && !short.has(word.slice(1, 2));

function readLong(reading: Reading, text: string): void {
  const [, name = "", , given] = /^([^=]*)(=([\s\S]*))?$/.exec(text) ?? [];
  const flag = reading.flags.get(name);
  if (flag?.type === "boolean") return setSwitch(reading, name, boolean(name, given));
  if (flag) return addValue(reading, name, given ?? valueAfter(reading, name));
  const negated = /^no-(.+)$/.exec(name)?.[1] ?? "";
  if (!isNegatable(reading.flags.get(negated)) || given !== undefined) throw unknown(reading, name);
  setSwitch(reading, negated, false);
}

/** Letters as POSIX has them: `-f`, `-n 100`, `-n100`, `-fn100`. */
function readShort(reading: Reading, letters: string): void {
  const name = reading.short.get(letters.slice(0, 1));
  if (name === undefined) throw unknownLetters(reading, letters);
  const rest = letters.slice(1);
  if (reading.flags.get(name)?.type !== "boolean") {
    return addValue(
      reading,
      name,
      rest === "" ? valueAfter(reading, name) : rest.replace(/^=/, ""),
    );
  }
  setSwitch(reading, name, true);
  if (rest !== "") readShort(reading, rest);
}

/** A switch that is on by itself can be turned off. */
export const isNegatable = (arg: Argument | undefined): boolean =>
  arg?.type === "boolean" && arg.default === true;

function boolean(name: string, given: string | undefined): boolean {
  if (given === undefined || given === "true") return true;
  if (given === "false") return false;
  throw wrong(`--${name} is "${given}": allowed is nothing, =true or =false`);
}

/** The word after a flag. Another flag of the verb is none: whoever means it writes `--flag=VALUE`. */
function valueAfter(reading: Reading, name: string): string {
  const word = reading.raw[reading.next];
  const [, other] = /^--([^=]+)/.exec(word ?? "") ?? [];
  if (word === undefined || word === "--") throw wrong(`--${name} needs a value`);
  if (other !== undefined && (reading.flags.has(other) || other === "help")) {
    throw wrong(
      `--${name} needs a value, and ${word} is a flag itself: if it is meant, write --${name}=${word}`,
    );
  }
  reading.next += 1;
  return word;
}

function addValue(reading: Reading, name: string, value: string): void {
  const flag = reading.flags.get(name);
  const before = reading.values.get(name) ?? [];
  if (before.length > 0 && !flag?.repeat) {
    throw wrong(`--${name} is given twice: give it once`);
  }
  if (flag?.type === "enum" && !flag.options?.includes(value)) {
    throw wrong(`--${name} is "${value}": allowed is one of ${flag.options?.join(", ")}`);
  }
  flag?.check?.(value, `--${name}`);
  reading.values.set(name, [...before, value]);
}

function setSwitch(reading: Reading, name: string, on: boolean): void {
  if (reading.switches.has(name)) throw wrong(`--${name} is given twice: give it once`);
  reading.switches.set(name, on);
}

function unknown({ flags, meta }: Reading, name: string): AppError {
  const [first = ""] = name.split(".");
  if (meta.later?.some((later) => later === name || later === first)) {
    return new AppError(
      "not_built_yet",
      `--${name} is known, but this release does not act on it yet: leave it out`,
    );
  }
  const guess = nearest(name, [...[...flags].map((entry) => spelled(...entry)), "help"]);
  return wrong(`there is no flag --${name}${guess ? `: did you mean --${guess}?` : ""}`);
}

const spelled = (name: string, arg: Argument): string => (isNegatable(arg) ? `no-${name}` : name);

function unknownLetters({ flags }: Reading, letters: string): AppError {
  const [name = ""] = letters.split("=");
  const guess = name.length > 1 ? nearest(name, [...flags.keys()]) : undefined;
  return wrong(`there is no flag -${letters}${guess ? `: did you mean --${guess}?` : ""}`);
}

/** People who know other tools write the command line of a service after `--`. */
function afterDashes({ raw, next, flags, values }: Reading): AppError {
  const words = raw.slice(next);
  if (words.length === 0 || !flags.has("cmd"))
    return wrong("words after -- are not taken here: leave the -- out");
  const hints = words.map(
    (word, index) => `${index === 0 && !values.has("cmd") ? "--cmd" : "--arg"} ${quoted(word)}`,
  );
  return wrong(`words after -- are not taken: did you mean ${hints.join(" ")}?`);
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

function requireFlags({ flags, values, positionals, words, meta }: Reading): void {
  const most = positionals.some(([, arg]) => arg.repeat) ? Infinity : positionals.length;
  const stray = words[most];
  if (stray !== undefined)
    throw wrong(`unexpected "${stray}"${meta.stray ? `: ${meta.stray}` : ""}`);
  const lacking = positionals.find(([, arg], index) => arg.required && words.length <= index);
  if (lacking) throw wrong(`${lacking[0].toUpperCase()} is missing: ${lacking[1].description}`);
  if (words.includes("")) throw wrong("an empty word is no name");
  const flag = [...flags].find(([name, arg]) => arg.required && !values.has(name));
  if (flag) throw wrong(`--${flag[0]} is missing: ${flag[1].description}`);
}

function argsOf({ flags, positionals, values, switches, words }: Reading): ParsedArgs {
  const defaults = [...flags].flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  );
  const singles = [...values].map(([name, [value]]) => [name, value]);
  const named = shared(positionals, words).map(([name, [word]]) => [name, word]);
  const entries = [...defaults, ...singles, ...switches, ...named];
  return { _: words, ...Object.fromEntries(entries) } as ParsedArgs; // each value was read as its definition says
}

function repeatedOf({ positionals, values, words }: Reading): Map<string, readonly string[]> {
  const repeats = positionals.filter(([, arg]) => arg.repeat).map(([name]) => name);
  const many = shared(positionals, words).filter(([name]) => repeats.includes(name));
  return new Map<string, readonly string[]>([...values, ...many]);
}

/** The words of each positional. The one that may be repeated takes all that those around it leave: in `signal a b HUP` two. */
function shared(
  positionals: readonly [string, Argument][],
  words: readonly string[],
): [string, readonly string[]][] {
  const extra = Math.max(0, words.length - positionals.length);
  let next = 0;
  return positionals.map(([name, arg]) => {
    const count = arg.repeat ? 1 + extra : 1;
    const own = words.slice(next, next + count);
    next += count;
    return [name, own];
  });
}
