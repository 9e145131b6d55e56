const WORD =
  /(pass(word|wd)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?/i;

/** `--password=x`, `token=x`, `--api-key x` in one word; `postgres://user:x@host`. */
const ASSIGNED = new RegExp(`${WORD.source}["']?[=:]\\s*\\S`, "i");
const IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s@]+@/i;

/** Whether an argument looks as if it held a secret. Meant for a warning, so a file's name or a bare flag is none. */
export const secretIn = (argument: string): boolean =>
  ASSIGNED.test(argument) || IN_URL.test(argument);
