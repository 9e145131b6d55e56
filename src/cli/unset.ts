import type { ChangeBody } from "../api/schemas.ts";
import { WIRE_NAMES } from "../api/wire-names.ts";
import { AppError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { isObject } from "./definition-file.ts";

/** Fields that can be absent. */
const FIELDS: readonly string[] = Object.values(WIRE_NAMES).filter((name) => name !== "cmd");

/** Fields whose parts have names of somebody's own choice: taken as they stand. */
const NAMED_PARTS = new Set(["env", "labels"]);

/**
 * Adds to a change what removes fields (null), or parts of them: `env.DEBUG` gives `env` without that variable.
 *
 * @throws AppError `invalid_request` for a field that is unknown, needed, or given and removed at once
 */
export function withoutFields(
  current: ChangeBody,
  change: ChangeBody,
  unset: readonly string[],
): ChangeBody {
  return unset.reduce((whole, word) => withoutOne(current, whole, word), change);
}

function withoutOne(current: ChangeBody, change: ChangeBody, word: string): ChangeBody {
  const dot = word.indexOf(".");
  const field = fieldOf(dot < 0 ? word : word.slice(0, dot));
  if (dot < 0) return { ...change, [field]: removed(change, field) };
  const part = NAMED_PARTS.has(field)
    ? word.slice(dot + 1)
    : word.slice(dot + 1).replaceAll("-", "_");
  const parts = change[field] ?? current[field];
  if (!isObject(parts) || !Object.hasOwn(parts, part)) {
    throw wrong(`--unset ${word}: the definition has no ${field}.${part}`);
  }
  const { [part]: _gone, ...rest } = parts;
  return { ...change, [field]: Object.keys(rest).length === 0 ? null : rest };
}

const wrong = (message: string): AppError => new AppError("invalid_request", message);

function fieldOf(word: string): keyof ChangeBody {
  const field = word.replaceAll("-", "_");
  if (FIELDS.includes(field)) return field as keyof ChangeBody; // the list holds nothing else
  if (field === "cmd") throw wrong("--unset cmd: a service cannot be without a cmd");
  const guess = nearest(word, FIELDS);
  throw wrong(
    `--unset ${word}: ${guess ? `did you mean ${guess}?` : `known are ${FIELDS.join(", ")}`}`,
  );
}

function removed(change: ChangeBody, field: keyof ChangeBody): null {
  if (change[field] === undefined || change[field] === null) return null;
  throw wrong(`${field} is given and removed by --unset at once: do one of the two`);
}
