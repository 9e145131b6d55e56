import type { ArgsDef, CommandMeta, ParsedArgs } from "citty";
import { AppError, messageOf } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { connect, urlOf, type ReachFlags } from "./args.ts";
import { codeOf, EXIT, exitCodeOf } from "./exit-codes.ts";
import { paintError, print, say, terminalSize } from "./output.ts";
import { root } from "./root.ts";
import { strict } from "./strict.ts";
import type { AnyCommand, VerbData } from "./verb.ts";
import { PROGRAM, VERSION } from "./version.ts";

/** What the completion scripts of shells ask with; no verb, and shown nowhere. */
export const COMPLETE = "__complete";

const HELP = ["--help", "-h", "-help"];
const VERSIONS = ["--version", "-version", "-v", "version"];

interface Found {
  /** `sprite-env services create`. */
  path: string;
  command: AnyCommand;
  /** The words after the verb. */
  rest: string[];
}

/**
 * Runs one command line.
 *
 * @param words without the program's own name
 * @returns the exit code
 */
export async function run(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === COMPLETE) {
      const { printCompletions } = await import("./complete.ts");
      return await printCompletions(words.slice(1));
    }
    const found = await find(daemonByFlags(words) ? ["serve", ...words] : words);
    return await runVerb(PROGRAM === "spritectl" ? { ...found, path: PROGRAM } : found);
  } catch (error) {
    complain(codeOf(error) === undefined ? stackOf(error) : messageOf(error));
    return exitCodeOf(error);
  }
}

/** What was not foreseen is a bug of ours: whoever mends it needs the place. */
const stackOf = (error: unknown): string =>
  `a bug, please report it: ${error instanceof Error ? error.stack : String(error)}`;

const complain = (message: string): void => say(`${paintError("red", `${PROGRAM}:`)} ${message}`);

/** Flags alone start the daemon, too: `sprite-env -debug`. `spritectl` is nothing but the daemon. */
function daemonByFlags(words: readonly string[]): boolean {
  const [first = ""] = words;
  if (PROGRAM === "spritectl") return true;
  return first.startsWith("-") && ![...HELP, ...VERSIONS].includes(first);
}

/** Follows the words down to a verb. What is no verb is refused, with the one that was probably meant. */
async function find(words: readonly string[]): Promise<Found> {
  let found: Found = { path: PROGRAM, command: root, rest: [...words] };
  while (found.command.subCommands && !VERSIONS.includes(words[0] ?? "")) {
    if (found.rest[0] === "help") found = { ...found, rest: [...found.rest.slice(1), "--help"] };
    const below = await step(found);
    if (!below) break;
    found = below;
  }
  return found;
}

async function step({ path, command, rest }: Found): Promise<Found | undefined> {
  const { verbsOf } = await import("./help.ts");
  const verbs = await verbsOf(command);
  const [word, ...after] = rest;
  if (word === undefined || word.startsWith("-")) return undefined;
  const load = Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  if (!load)
    throw new AppError("invalid_request", await noSuchVerb(path, word, Object.keys(verbs)));
  return { path: `${path} ${word}`, command: await load(), rest: after };
}

/** What people say who come from other tools. */
const SYNONYMS: Readonly<Record<string, string>> = {
  rm: "delete",
  remove: "delete",
  ls: "list",
  ps: "list",
  status: "list",
  show: "get",
  inspect: "get",
  kill: "signal",
  reload: "restart",
  run: "create",
  add: "create",
  edit: "update",
  tail: "logs",
};

async function noSuchVerb(path: string, word: string, verbs: readonly string[]): Promise<string> {
  const { verbsOf } = await import("./help.ts");
  const { services } = await import("./commands/services.ts");
  const below = Object.keys(await verbsOf(services));
  const meant = SYNONYMS[word] ?? word;
  const deeper = path === PROGRAM && below.includes(meant) ? `services ${meant}` : undefined;
  const guess = verbs.includes(meant) ? meant : (deeper ?? nearestVerb(path, word, verbs, below));
  const hint = guess ? `did you mean "${path} ${guess}"?` : `known are ${verbs.join(", ")}`;
  return `there is no verb "${word}": ${hint}`;
}

/** The verb that was probably meant: of this group, or of `services`, whose name people leave out. */
function nearestVerb(
  path: string,
  word: string,
  verbs: readonly string[],
  ofServices: readonly string[],
): string | undefined {
  const here = nearest(word, verbs);
  if (here !== undefined || path !== PROGRAM) return here;
  const below = nearest(word, ofServices);
  return below && `services ${below}`;
}

async function runVerb(found: Found): Promise<number> {
  const { command, rest } = found;
  const { argsOf, metaOf } = await import("./help.ts");
  const meta = await metaOf(command);
  if (rest.some((word) => VERSIONS.includes(word)) && command === root) return version();
  if (wantsHelp(rest, meta.literal)) return help(found);
  if (command.subCommands && (!command.run || rest.length === 0)) return groupAlone(found);
  const { args, data } = meta.literal
    ? literally(rest)
    : strictly(found, await argsOf(command), meta);
  try {
    const result: unknown = await command.run?.({ rawArgs: rest, args, cmd: command, data });
    return typeof result === "number" ? result : EXIT.ok;
  } catch (error) {
    throw await explained(error, args as ReachFlags); // no other flag has their names
  }
}

/** An error with what this command line could do about it: the service that was probably meant, the token that was not sent. */
async function explained(error: unknown, reach: ReachFlags): Promise<unknown> {
  if (!(error instanceof AppError)) return error;
  if (error.code === "unauthorized" && urlOf(reach) && !process.env["SPRITE_HTTP_API_TOKEN"]) {
    const message = `the daemon at ${urlOf(reach)} wants a token: put it into the environment, as SPRITE_HTTP_API_TOKEN`;
    return new AppError(error.code, message, { cause: error });
  }
  if (error.code !== "service_not_found") return error;
  const { withGuess } = await import("./guess.ts");
  return withGuess(error, connect(reach));
}

interface Given {
  args: ParsedArgs;
  data: VerbData;
}

const literally = (rest: readonly string[]): Given => ({
  args: { _: [...rest] } as ParsedArgs, // a literal verb looks at none of its flags
  data: { repeated: new Map(), literal: rest },
});

/** Reads the words as the verb defines them; what is wrong with them is followed by where help is. */
function strictly({ path, rest }: Found, definition: ArgsDef, meta: CommandMeta): Given {
  try {
    const { args, repeated } = strict(rest, definition, meta);
    return { args, data: { repeated, literal: [] } };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${error.message}\nsee: ${path} --help`);
  }
}

/** A verb that reads its own words is asked for help by the first of them: later ones may belong to what it starts. */
function wantsHelp(rest: readonly string[], literal = false): boolean {
  const end = rest.indexOf("--");
  const own = literal ? rest.slice(0, 1) : rest.slice(0, end < 0 ? rest.length : end);
  return own.some((word) => HELP.includes(word));
}

function version(): number {
  print(`${PROGRAM} ${VERSION}`);
  return EXIT.ok;
}

/** As wide as the terminal, but no wider than lines can be read with ease. */
const helpWidth = (): number => Math.min(100, terminalSize().columns);

async function help({ path, command }: Found): Promise<number> {
  const { described, helpText } = await import("./help.ts");
  print(helpText(await described(path, command), helpWidth()));
  return EXIT.ok;
}

/** A group without a verb: its help, but it is no success. `sprite-env` alone is a question, and answered. */
async function groupAlone({ path, command, rest }: Found): Promise<number> {
  const { described, helpText } = await import("./help.ts");
  const text = helpText(await described(path, command), helpWidth());
  const [flag] = rest;
  if (flag !== undefined) {
    throw new AppError(
      "invalid_request",
      `${flag} stands before the verb: flags come after it, as in "${path} VERB ${flag}"`,
    );
  }
  if (command === root) print(text);
  else say(text);
  return command === root ? EXIT.ok : EXIT.usage;
}
