import type { ArgsDef, CommandMeta } from "citty";
import { isNegatable } from "./strict.ts";
import type { AnyCommand, Argument } from "./verb.ts";
import { padTo, textWidth } from "./width.ts";
import { wrapped } from "./wrap.ts";

/** A verb with all that is told about it. */
export interface Described {
  /** `sprite-env services create`. */
  path: string;
  meta: CommandMeta;
  args: [string, Argument][];
  /** Names and descriptions of what is below a group. */
  verbs: { name: string; description: string }[];
}

const resolve = async <T>(value: T | (() => T | Promise<T>) | Promise<T>): Promise<T> =>
  typeof value === "function" ? (value as () => T | Promise<T>)() : value; // no T of ours is a function

/** The verbs below a group, by name; loaded one by one as they are asked for. */
export async function verbsOf(
  command: AnyCommand,
): Promise<Record<string, () => Promise<AnyCommand>>> {
  const subCommands = (await resolve(command.subCommands)) ?? {};
  const entries = Object.entries(subCommands);
  return Object.fromEntries(entries.map(([name, verb]) => [name, () => resolve<AnyCommand>(verb)]));
}

export const metaOf = async (command: AnyCommand): Promise<CommandMeta> =>
  (await resolve<CommandMeta | undefined>(command.meta)) ?? {};

export const argsOf = async (command: AnyCommand): Promise<ArgsDef> =>
  (await resolve<ArgsDef | undefined>(command.args)) ?? {};

/** Collects what `--help` and docs/cli.md tell about a verb. */
export async function described(path: string, command: AnyCommand): Promise<Described> {
  const args = Object.entries(await argsOf(command)) as [string, Argument][]; // Argument only adds optional keys
  const verbs = [];
  for (const [name, load] of Object.entries(await verbsOf(command))) {
    const { description = "", hidden } = await metaOf(await load());
    if (!hidden) verbs.push({ name, description });
  }
  return { path, meta: await metaOf(command), args, verbs };
}

const isPositional = ([, arg]: [string, Argument]): boolean => arg.type === "positional";

/** `sprite-env services create NAME --cmd <path> [flags]`. A group may have words of its own: `sprite-env boot VERB, or …`. */
export function usageOf(verb: Described): string {
  const { path, args, verbs } = verb;
  if (verbs.length === 0) return ownUsage(verb);
  return args.length === 0 ? `${path} VERB` : `${path} VERB, or ${ownUsage(verb)}`;
}

function ownUsage({ path, args, meta }: Described): string {
  const words = args.filter(isPositional).map(([name, arg]) => {
    const word = `${name.toUpperCase()}${arg.repeat ? "…" : ""}`;
    return arg.required ? word : `[${word}]`;
  });
  const flags = args.filter((one) => !isPositional(one));
  const needed = flags.filter(([, arg]) => arg.required).map((one) => flagLabel(...one));
  const more = flags.length > needed.length || meta.literal ? ["[flags]"] : [];
  return [path, ...words, ...needed, ...more, ...(meta.takes ? [meta.takes] : [])].join(" ");
}

/** `-n, --lines <count>`. */
export function flagLabel(name: string, arg: Argument): string {
  const aliases = "alias" in arg && arg.alias ? [arg.alias].flat() : [];
  const long = isNegatable(arg) ? `--no-${name}` : `--${name}`;
  const value = arg.type === "boolean" ? "" : ` <${arg.valueHint ?? name}>`;
  return [...aliases.map((alias) => `-${alias}`), long].join(", ") + value;
}

/** What is said about a flag or word: its description, and whether it may be repeated. */
export function explained(arg: Argument): string {
  const text = isNegatable(arg)
    ? ("negativeDescription" in arg && arg.negativeDescription) || arg.description
    : arg.description;
  return `${text ?? ""}${arg.repeat && arg.type !== "positional" ? " (may be repeated)" : ""}`;
}

/** Narrower than this the explanations go below what they explain. */
const LEAST_TEXT = 30;

function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const label = Math.max(0, ...rows.map(([text]) => textWidth(text)));
  const beside = width - label - 4 >= LEAST_TEXT;
  const indent = " ".repeat(beside ? label + 4 : 6);
  return rows.flatMap(([left, text]) => {
    const [first = "", ...rest] = wrapped(text, width - indent.length);
    const lines = rest.map((line) => indent + line);
    if (beside) return [`  ${padTo(left, label)}  ${first}`.trimEnd(), ...lines];
    return [`  ${left}`, ...(text === "" ? [] : [indent + first]), ...lines];
  });
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", `${title}:`, ...lines];

/** What every group ends with. */
const more = ({ path, verbs }: Described): string[] =>
  verbs.length > 0 ? ["", `${path} VERB --help tells more about each.`] : [];

/** The text of `--help`. @param width columns it has room in */
export function helpText(verb: Described, width = 100): string {
  const { meta, args, verbs } = verb;
  const words = args
    .filter(isPositional)
    .map(([name, arg]) => [name.toUpperCase(), explained(arg)] as const);
  const flags = args
    .filter((one) => !isPositional(one))
    .map(([name, arg]) => [flagLabel(name, arg), explained(arg)] as const);
  return [
    ...[`${meta.description ?? ""}.`, ...(meta.notes ?? [])].flatMap((text) =>
      wrapped(text, width),
    ),
    "",
    `Usage: ${usageOf(verb)}`,
    ...section(
      "Verbs",
      columns(
        verbs.map(({ name, description }) => [name, description]),
        width,
      ),
    ),
    ...section("Words", columns(words, width)),
    ...section("Flags", columns(flags, width)),
    ...section(
      "Examples",
      (meta.examples ?? []).map((line) => `  ${line}`),
    ),
    ...more(verb),
  ].join("\n");
}
