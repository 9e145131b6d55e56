import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { durationMs, MAX_DURATION_MS } from "../base/duration.ts";
import { problemOf, type Problem } from "./problem.ts";

/** What is wrong with a value, or undefined. Where asked, puts coerced values in place. */
export type Check = (value: unknown) => Problem | undefined;

/** Words of ours in a schema: see `SchemaWords` in problem.ts. */
const KEYWORDS = ["x-allowed", "x-later", "x-secret"];

function validator(coerce: boolean): Ajv {
  const ajv = new Ajv({
    coerceTypes: coerce,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
  });
  ajv.addVocabulary(KEYWORDS);
  ajv.addFormat("duration", isDuration);
  ajv.addFormat("age", (text) => (durationMs(text) ?? 0) > 0); // no timer waits for it
  ajv.addFormat("positive-duration", (text) => isDuration(text) && durationMs(text) !== 0);
  return ajv;
}

const isDuration = (text: string): boolean => (durationMs(text) ?? Infinity) <= MAX_DURATION_MS;

let exact: Ajv | undefined;
let coercing: Ajv | undefined;

const compile = (schema: object, coerce: boolean): ValidateFunction =>
  coerce
    ? (coercing ??= validator(true)).compile(schema)
    : (exact ??= validator(false)).compile(schema);

/**
 * Turns a JSON Schema into a check that stops at the first problem and can say it to a person.
 *
 * It is compiled when it is first used: a start has no time for schemas that nobody asks for.
 *
 * @param coerce for values that come as text, such as a query: "5" is then taken for an integer, "true" for a boolean
 */
export function checker(schema: object, coerce = false): Check {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= compile(schema, coerce);
    return validate(value) ? undefined : problemOf(bestOf(validate.errors ?? []));
  };
}

/** The error that says most: the last of those at the shallowest place, which for `anyOf` is the choice itself. */
const bestOf = (errors: ErrorObject[]): ErrorObject => {
  const named = errors.find((error) => error.propertyName !== undefined);
  const best = named ?? errors.at(-1);
  if (!best) throw new Error("a schema refused a value without saying why");
  return best;
};
