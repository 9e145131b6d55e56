import type { ArgDef, ArgsDef, CommandContext, CommandDef } from "citty";

declare module "citty" {
  /** What we tell about a verb beyond what citty knows. */
  interface CommandMeta {
    /** Whole command lines, shown by `--help`. */
    examples?: readonly string[];
    /** Sentences below the description. */
    notes?: readonly string[];
    /** Flags of later releases: refused by name. `limits` stands for `limits.memory`, too. */
    later?: readonly string[];
    /** Said where a word stands that is not expected. */
    stray?: string;
    /** The verb reads its words itself. */
    literal?: boolean;
    /** What may follow its flags, as the usage shows it. */
    takes?: string;
  }
}

/** What a flag may carry beyond citty's definition. */
interface Strictness {
  /** Throws an AppError `invalid_request` that names the flag. */
  check?: (value: string, flag: string) => void;
  /** May be given more than once (a flag), or takes all words that are left (a positional). */
  repeat?: boolean;
  /** What a shell may offer as its value. A positional called `name` takes services. */
  complete?: Completion;
}

/** Kinds of words that a shell can complete; `services` are several, separated by commas. */
export type Completion =
  | "service"
  | "services"
  | "signal"
  | "event-type"
  | "file"
  | "directory"
  | "shell";

export type Argument = ArgDef & Strictness;

/** What the strict reader hands to a verb beside citty's own arguments. */
export interface VerbData {
  /** Values of repeatable flags and positionals, in the order given. */
  repeated: ReadonlyMap<string, readonly string[]>;
  /** All words after the verb, for one that is `literal`. */
  literal: readonly string[];
}

/** All values of a repeatable flag or positional. */
export const allOf = <T extends ArgsDef>(
  context: CommandContext<T>,
  name: string,
): readonly string[] => (context.data as VerbData).repeated.get(name) ?? []; // run.ts calls every verb with it

/** Any verb or group of verbs. */
// oxlint-disable-next-line typescript/no-explicit-any -- citty's own word for "whatever its arguments are"
export type AnyCommand = CommandDef<any>;
