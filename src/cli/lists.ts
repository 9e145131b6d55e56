import { AppError } from "../base/errors.ts";

/** A list as `--args`, `--env` and `--needs` have it: split at every comma, no escape. An empty text is an empty list. */
export const commaList = (text: string): string[] => (text === "" ? [] : text.split(","));

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/** Names with values, as a list and one by one; undefined where neither was given. */
function pairsFrom(
  list: string | undefined,
  literal: readonly string[],
  words: { list: string; literal: string; thing: string },
): Record<string, string> | undefined {
  if (list === undefined && literal.length === 0) return undefined;
  const pairs: Record<string, string> = {};
  const add = (part: string, refusal: string): void => {
    const at = part.indexOf("=");
    if (at <= 0) throw wrong(refusal);
    const name = part.slice(0, at);
    if (Object.hasOwn(pairs, name)) throw wrong(`the ${words.thing} ${name} is given twice`);
    Object.defineProperty(pairs, name, { value: part.slice(at + 1), enumerable: true });
  };
  commaList(list ?? "").forEach((part, index) =>
    add(
      part,
      `part ${index + 1} of ${words.list} has no "=": ${words.list} splits at every comma; a value with a comma goes in ${words.literal}`,
    ),
  );
  for (const part of literal) add(part, `${words.literal} needs NAME=VALUE, and one has no "="`);
  return pairs;
}

/**
 * Environment variables of `--env K=v,K2=v` and of each `--env-var K=v`. Values are not repeated in what is refused.
 *
 * @returns undefined where neither flag was given
 * @throws AppError `invalid_request` for a part without `=` or a name given twice
 */
export const envFrom = (
  list: string | undefined,
  literal: readonly string[],
): Record<string, string> | undefined =>
  pairsFrom(list, literal, { list: "--env", literal: "--env-var", thing: "variable" });

/**
 * Labels of `--labels k=v,k2=v` and of each `--label k=v`.
 *
 * @returns undefined where neither flag was given
 * @throws AppError `invalid_request` for a part without `=` or a name given twice
 */
export const labelsFrom = (
  list: string | undefined,
  literal: readonly string[],
): Record<string, string> | undefined =>
  pairsFrom(list, literal, { list: "--labels", literal: "--label", thing: "label" });
