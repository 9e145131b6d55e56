import { AppError } from "../base/errors.ts";

/** A list as `--args`, `--env` and `--needs` have it: split at every comma, no escape. An empty text is an empty list. */
export const commaList = (text: string): string[] => (text === "" ? [] : text.split(","));

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/**
 * Environment variables of `--env K=v,K2=v` and of each `--env-var K=v`. Values are not repeated in what is refused.
 *
 * @returns undefined where neither flag was given
 * @throws AppError `invalid_request` for a part without `=` or a name given twice
 */
export function envFrom(
  list: string | undefined,
  literal: readonly string[],
): Record<string, string> | undefined {
  if (list === undefined && literal.length === 0) return undefined;
  const env: Record<string, string> = {};
  commaList(list ?? "").forEach((part, index) =>
    add(
      env,
      part,
      `part ${index + 1} of --env has no "=": --env splits at every comma; a value with a comma goes in --env-var`,
    ),
  );
  for (const part of literal) add(env, part, '--env-var needs NAME=VALUE, and one has no "="');
  return env;
}

function add(env: Record<string, string>, part: string, refusal: string): void {
  const at = part.indexOf("=");
  if (at <= 0) throw wrong(refusal);
  const name = part.slice(0, at);
  if (Object.hasOwn(env, name)) throw wrong(`the variable ${name} is given twice`);
  Object.defineProperty(env, name, { value: part.slice(at + 1), enumerable: true });
}
