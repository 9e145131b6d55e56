import type { ChangeBody } from "../api/schemas.ts";

const WORD =
  /(pass(word|wd)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?/i;

/** `--password=x`, `token=x`, `--api-key x` in one word; `postgres://user:x@host`. */
const ASSIGNED = new RegExp(`${WORD.source}["']?[=:]\\s*\\S`, "i");
const IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s@]+@/i;

/** Whether an argument looks as if it held a secret. Meant for a warning, so a file's name or a bare flag is none. */
const secretIn = (argument: string): boolean => ASSIGNED.test(argument) || IN_URL.test(argument);

/** Where a definition has arguments that look as if they held secrets, in words: `argument 2`, `argument 1 of stop_command`. Out of a file, nothing of it has been checked yet. */
function secretPlaces({ args, stop_command, ready, health }: ChangeBody): string[] {
  const commands = { args, stop_command, "ready.exec": ready?.exec, "health.exec": health?.exec };
  return Object.entries(commands).flatMap(([field, words]: [string, unknown]) => {
    const first = field === "args" ? 1 : 0; // of a command, the first word is the program
    return (Array.isArray(words) ? words : []).flatMap((word: unknown, index) =>
      typeof word === "string" && secretIn(word)
        ? [`argument ${index + first}${field === "args" ? "" : ` of ${field}`}`]
        : [],
    );
  });
}

/** A warning for whoever defines a service whose arguments look as if they held secrets; it names their places, never their text. */
export function secretWarning(definition: ChangeBody): string | undefined {
  const places = secretPlaces(definition);
  if (places.length === 0) return undefined;
  return (
    `warning: ${places.join(" and ")} ${places.length === 1 ? "looks" : "look"} like a secret. Arguments are stored in clear and everybody ` +
    "on this machine can see them; values of --env-var are encrypted on disk and are in no event"
  );
}
