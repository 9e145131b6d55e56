import { constants } from "node:os";
import type { ArgsDef } from "citty";
import { connect } from "./args.ts";
import { namesOf } from "./guess.ts";
import { argsOf, explained, metaOf, verbsOf } from "./help.ts";
import { print } from "./output.ts";
import { root } from "./root.ts";
import { isNegatable } from "./strict.ts";
import type { AnyCommand, Argument, Completion } from "./verb.ts";

/*
 * What may stand where somebody presses Tab. The scripts of completion-scripts.ts ask for it, so that all shells offer the same, out of the
 * definitions of the verbs. The answer is one word a line, after a tab what it means, and at last a line that begins with a colon:
 * `:file` and `:directory` leave it to the shell, after `:nospace` the word goes on, `:` is all.
 */

interface Candidate {
  word: string;
  meaning?: string | undefined;
}

interface Offer {
  candidates: readonly Candidate[];
  directive?: "file" | "directory" | "nospace";
}

/** How long a daemon may take to tell its services' names, in milliseconds: somebody waits at the keyboard. */
const PATIENCE_MS = 500;

const NOTHING: Offer = { candidates: [] };

/** Prints what may stand in the place of the last word. @param asked the shell's name, and the words after the program's */
export async function printCompletions([shell = "", ...raw]: readonly string[]): Promise<number> {
  const words = joined(raw);
  const current = words.at(-1) ?? "";
  const { candidates, directive = "" } = await offered(words).catch(() => NOTHING); // Tab says nothing rather than an error
  const hidden = shell === "fish" ? 0 : current.length - typed(shell, raw, current).length;
  const lines = candidates
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, meaning = "" }) => `${word.slice(hidden)}\t${firstClause(meaning)}`);
  print([...lines, `:${directive}`].join("\n"));
  return 0;
}

/** bash takes `--restart=al` for three words. */
function joined(raw: readonly string[]): string[] {
  const words: string[] = [];
  for (const [index, word] of raw.entries()) {
    const last = words.at(-1) ?? "";
    const goesOn =
      word === "=" ? /^--[^=]+$/.test(last) : raw[index - 1] === "=" && last.endsWith("=");
    if (goesOn && index > 0) words[words.length - 1] = last + word;
    else words.push(word);
  }
  return words;
}

/** The part of the current word that the shell will replace. */
function typed(shell: string, raw: readonly string[], current: string): string {
  if (shell === "zsh") return current.startsWith("--") ? current.replace(/^--[^=]*=/, "") : current;
  const last = raw.at(-1) ?? "";
  return last === "=" ? "" : last;
}

/** There is one line for each word. */
const firstClause = (text: string): string =>
  text
    .split(/[:;(]\s?/)[0]
    ?.replaceAll(/\s+/g, " ")
    .trim() ?? "";

async function offered(words: readonly string[]): Promise<Offer> {
  const before = words[0] === "help" && words.length > 1 ? words.slice(1) : [...words];
  let command: AnyCommand = root;
  while (command.subCommands && before.length > 1) {
    const verbs = await verbsOf(command);
    const verb = before.shift() ?? "";
    const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (!load) return NOTHING;
    command = await load();
  }
  if (command.subCommands && !before.at(-1)?.startsWith("-")) return verbsBelow(command);
  return words[0] === "help" ? NOTHING : afterVerb(await definitionOf(command), before);
}

async function verbsBelow(command: AnyCommand): Promise<Offer> {
  const verbs = await Promise.all(
    Object.entries(await verbsOf(command)).map(async ([word, load]) => ({
      word,
      meaning: (await metaOf(await load())).description,
    })),
  );
  const help = { word: "help", meaning: "Tell how a verb is used" };
  return { candidates: command === root ? [...verbs, help] : verbs };
}

type Named = readonly [string, Argument];

const definitionOf = async (command: AnyCommand): Promise<Named[]> =>
  Object.entries((await argsOf(command)) as ArgsDef) as [string, Argument][]; // Argument only adds optional keys

/** What was read of the words before the current one. */
interface Given {
  flags: Map<string, string>;
  words: string[];
  /** The flag whose value comes next. */
  open: Named | undefined;
}

async function afterVerb(definition: readonly Named[], words: readonly string[]): Promise<Offer> {
  const current = words.at(-1) ?? "";
  const given = read(definition, words.slice(0, -1));
  if (given.words.includes("--")) return NOTHING;
  if (given.open) return values(given.open, current, given);
  const [, flag, value] = /^--([^=]+)=([\s\S]*)$/.exec(current) ?? [];
  if (flag !== undefined && value !== undefined)
    return valuesOfFlag(definition, flag, value, given);
  if (current.startsWith("-")) return flags(definition, given);
  const positionals = definition.filter(([, { type }]) => type === "positional");
  const next = positionals[given.words.length] ?? positionals.findLast(([, { repeat }]) => repeat);
  return next ? values(next, current, given) : current === "" ? flags(definition, given) : NOTHING;
}

function read(definition: readonly Named[], words: readonly string[]): Given {
  const given: Given = { flags: new Map(), words: [], open: undefined };
  for (const word of words) {
    const { open } = given;
    given.open = undefined;
    if (open) given.flags.set(open[0], word);
    else if (word.startsWith("-") && word.length > 1 && word !== "--")
      readFlag(definition, given, word);
    else given.words.push(word);
  }
  return given;
}

function readFlag(definition: readonly Named[], given: Given, word: string): void {
  const [, name = "", , value] = /^--?([^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
  const flag = definition.find(([long, arg]) => long === name || aliases(arg).includes(name));
  given.flags.set(flag?.[0] ?? name.replace(/^no-/, ""), value ?? "");
  if (flag && flag[1].type !== "boolean" && value === undefined) given.open = flag;
}

const aliases = (arg: Argument): string[] =>
  "alias" in arg && arg.alias ? [arg.alias].flat() : [];

function flags(definition: readonly Named[], given: Given): Offer {
  const known = definition
    .filter(
      ([name, { type, repeat }]) => type !== "positional" && (repeat || !given.flags.has(name)),
    )
    .map(([name, arg]) => ({
      word: `--${isNegatable(arg) ? "no-" : ""}${name}`,
      meaning: explained(arg),
    }));
  return { candidates: [...known, { word: "--help", meaning: "Tell how this is used" }] };
}

async function valuesOfFlag(
  definition: readonly Named[],
  name: string,
  value: string,
  given: Given,
): Promise<Offer> {
  const flag = definition.find(([long]) => long === name);
  if (!flag) return NOTHING;
  const { candidates, ...rest } = await values(flag, value, given);
  return {
    ...rest,
    candidates: candidates.map((one) => ({ ...one, word: `--${name}=${one.word}` })),
  };
}

/** What a value is where the definition does not say, by the hint that its help gives. */
const BY_HINT: Readonly<Record<string, Completion>> = {
  path: "file",
  file: "file",
  directory: "directory",
  signal: "signal",
  "svc,…": "services",
};

async function values([name, arg]: Named, current: string, given: Given): Promise<Offer> {
  if (arg.type === "enum") return { candidates: (arg.options ?? []).map((word) => ({ word })) };
  if (arg.type === "boolean") return { candidates: ["true", "false"].map((word) => ({ word })) };
  const hint = "valueHint" in arg ? arg.valueHint : undefined;
  const byName = name === "name" ? "service" : undefined;
  const kind = arg.complete ?? (arg.type === "positional" ? byName : BY_HINT[hint ?? ""]);
  return kind === undefined ? NOTHING : OF_KIND[kind](current, given);
}

/** What there is of each kind. */
const OF_KIND: Readonly<
  Record<Completion, (current: string, given: Given) => Offer | Promise<Offer>>
> = {
  file: () => ({ candidates: [], directive: "file" }),
  directory: () => ({ candidates: [], directive: "directory" }),
  service: async (_current, given) => ({ candidates: await otherServices(given, given.words) }),
  services: listed,
  signal: (current) => ({ candidates: signals(current) }),
  "event-type": async () => {
    const { eventTypes } = await import("./event-table.ts");
    return { candidates: eventTypes().map((word) => ({ word })) };
  },
  shell: () => ({ candidates: ["bash", "zsh", "fish"].map((word) => ({ word })) }),
};

/** Names of the daemon's services but for those that are there already. */
async function otherServices(given: Given, taken: readonly string[]): Promise<Candidate[]> {
  const client = connect({ socket: given.flags.get("socket"), url: given.flags.get("url") });
  const names = await namesOf(client, PATIENCE_MS);
  return names.filter((name) => !taken.includes(name)).map((word) => ({ word }));
}

/** The last of several services with commas between. */
async function listed(current: string, given: Given): Promise<Offer> {
  const start = current.slice(0, current.lastIndexOf(",") + 1);
  const services = await otherServices(given, [...start.split(","), ...given.words]);
  return {
    candidates: services.map(({ word }) => ({ word: start + word })),
    directive: "nospace",
  };
}

/** With SIG before it where somebody began so. */
function signals(current: string): Candidate[] {
  const prefix = current.startsWith("S") && !"STOP".startsWith(current) ? "SIG" : "";
  return Object.keys(constants.signals).map((name) => ({
    word: prefix + name.slice("SIG".length),
  }));
}
