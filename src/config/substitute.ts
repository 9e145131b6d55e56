import { AppError } from "../base/errors.ts";
import type { Env } from "./places.ts";

/** A value that came from a variable. */
export interface FromVariable {
  /** Where it stands: `retention.bytes`, `api_tokens[0].token`. */
  field: string;
  variable: string;
}

/** A value with its `{"$env": "NAME"}` replaced. */
interface Substituted {
  value: unknown;
  from: readonly FromVariable[];
}

/** What is read of a JSON Schema here. */
interface TypedSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, TypedSchema>>;
  readonly additionalProperties?: boolean | TypedSchema;
  readonly items?: TypedSchema;
  readonly anyOf?: readonly TypedSchema[];
  readonly [word: string]: unknown;
}

interface Place {
  /** For messages. */
  file: string;
  field: string;
  /** What may stand there; absent: text. */
  schema?: TypedSchema | undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether it stands for a value, whatever is wrong with it. */
export const isReference = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && "$env" in value;

function variable(
  reference: Readonly<Record<string, unknown>>,
  { file, field, schema }: Place,
  env: Env,
): Substituted {
  const name = reference["$env"];
  if (typeof name !== "string" || name === "" || Object.keys(reference).length > 1) {
    throw new AppError(
      "config_invalid",
      `${file}: ${field}: {"$env": …} takes the name of one environment variable and nothing beside it`,
    );
  }
  const text = env[name];
  if (text !== undefined) return { value: typed(text, schema), from: [{ field, variable: name }] };
  throw new AppError(
    "config_invalid",
    `${file}: ${field} comes from the environment variable ${name}, which is not set: set it, or write the value`,
  );
}

/** A variable's text as a type that may stand there: "true" for a boolean, "10" for a number. Anything else stays text and is refused by the check. */
function typed(text: string, schema: TypedSchema | undefined): unknown {
  const types = new Set(choices(schema).flatMap(({ type = [] }) => type));
  if (types.has("string")) return text;
  if (types.has("boolean") && (text === "true" || text === "false")) return text === "true";
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  return isNumber && (types.has("integer") || types.has("number")) ? Number(text) : text;
}

/** A schema and what it leaves to choose from. */
const choices = (schema: TypedSchema | undefined): readonly TypedSchema[] =>
  schema ? [schema, ...(schema.anyOf ?? []).flatMap(choices)] : [];

const oneOf = (schemas: readonly (TypedSchema | undefined | boolean)[]): TypedSchema => ({
  anyOf: schemas.filter((one) => typeof one === "object"),
});

const below = ({ file, field, schema }: Place, key: string): Place => ({
  file,
  field: `${field}.${key}`,
  schema: oneOf(
    choices(schema).map(
      ({ properties, additionalProperties }) => properties?.[key] ?? additionalProperties,
    ),
  ),
});

const item = ({ file, field, schema }: Place, index: number): Place => ({
  file,
  field: `${field}[${index}]`,
  schema: oneOf(choices(schema).map(({ items }) => items)),
});

/**
 * Replaces every `{"$env": "NAME"}` in a value, at any depth, by that variable's text, or by the number or boolean that it says where one has to stand.
 *
 * @throws AppError `config_invalid` naming the place and the variable that is not set
 */
function substitute(value: unknown, at: Place, env: Env): Substituted {
  if (isReference(value)) return variable(value, at, env);
  if (Array.isArray(value))
    return combined(value.map((one, index) => substitute(one, item(at, index), env)));
  if (!isObject(value)) return { value, from: [] };
  const keys = Object.keys(value);
  const parts = combined(keys.map((key) => substitute(value[key], below(at, key), env)));
  return { ...parts, value: Object.fromEntries(keys.map((key, i) => [key, parts.value[i]])) };
}

/** The same of the fields of an object that its schema has; the others are refused anyway, whatever they hold. @throws AppError as `substitute` */
export function substituteFields(
  fields: object,
  { file, schema }: { file: string; schema: TypedSchema },
  env: Env,
): { value: object; from: readonly FromVariable[] } {
  const parts = Object.entries(fields).map(([field, value]: [string, unknown]) => {
    const { properties = {} } = schema;
    return Object.hasOwn(properties, field)
      ? ([field, substitute(value, { file, field, schema: properties[field] }, env)] as const)
      : ([field, { value, from: [] }] as const);
  });
  return {
    value: Object.fromEntries(parts.map(([field, { value }]) => [field, value])),
    from: parts.flatMap(([, { from }]) => from),
  };
}

const combined = (
  parts: readonly Substituted[],
): { value: unknown[]; from: readonly FromVariable[] } => ({
  value: parts.map((part) => part.value),
  from: parts.flatMap((part) => part.from),
});
