import type { ErrorObject } from "ajv";
import type { ErrorCode } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** Words of ours that a schema may carry. */
interface SchemaWords {
  /** What is allowed, for people; without it, it is said from the schema's own limits. */
  "x-allowed"?: string;
  /** Properties that are known, and refused because this release does not act on them. */
  "x-later"?: readonly string[];
  /** Values below are not repeated in messages. */
  "x-secret"?: boolean;
}

interface Schema extends SchemaWords {
  type?: string | readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  enum?: readonly (string | null)[];
  pattern?: string;
}

/** One thing that is wrong with a value somebody gave. */
export interface Problem {
  code: Extract<ErrorCode, "invalid_request" | "not_built_yet">;
  /** Where: `backoff.max`, `args[2]`; "" is the whole. */
  field: string;
  /** What was given, cut; absent where it may be secret or nothing was given. */
  value?: string;
  allowed: string;
  message: string;
}

const WHOLE = "the body";

/** `/backoff/max` → `backoff.max`, `/args/2` → `args[2]`. */
const fieldOf = (pointer: string): string =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join("");

const below = (field: string, key: string): string => (field === "" ? key : `${field}.${key}`);

/** A value as it is repeated to whoever gave it: JSON, at most 80 characters. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** A value as a fact beside the message: text as it is, anything else as JSON. */
export const factOf = (value: unknown): string =>
  typeof value === "string" ? value.slice(0, 80) : shown(value);

/** Says in words what an error of the validator means. */
export function problemOf(error: ErrorObject): Problem {
  const schema = error.parentSchema as Schema; // `verbose` is on, so it is there
  const field = fieldOf(error.instancePath);
  const { params, keyword, propertyName } = error;
  if (propertyName !== undefined) return badName(field, propertyName, schema);
  if (keyword === "additionalProperties") {
    return unknownKey(field, String(params["additionalProperty"]), schema);
  }
  if (keyword === "required") return missing(field, String(params["missingProperty"]), error);
  if (keyword === "minLength" && error.data === "") return empty(field, schema);
  return badValue(field, error.data, schema);
}

function unknownKey(parent: string, key: string, schema: Schema): Problem {
  const field = below(parent, key);
  if (schema["x-later"]?.includes(key)) {
    const message = `${field} is known, but this release does not act on it yet: leave it out`;
    return { code: "not_built_yet", field, allowed: "nothing yet", message };
  }
  const known = Object.keys(schema.properties ?? {});
  const guess = nearest(key, known);
  const hint = guess ? `did you mean ${guess}?` : `known are ${known.join(", ")}`;
  const message = `there is no ${field}: ${known.length > 0 ? hint : "nothing is expected here"}`;
  return { code: "invalid_request", field, allowed: known.join(", ") || "no fields", message };
}

/** A field is missing; where another is there that nobody knows, it was probably meant, so that is said instead. */
function missing(parent: string, key: string, error: ErrorObject): Problem {
  const schema = error.parentSchema as Schema; // `verbose` is on, so it is there
  const known = schema.properties ?? {};
  const stranger = Object.keys(error.data as object).find((given) => !Object.hasOwn(known, given)); // `required` is about objects
  if (stranger !== undefined) return unknownKey(parent, stranger, schema);
  const property: Schema = schema.properties?.[key] ?? {};
  return empty(below(parent, key), property);
}

const empty = (field: string, schema: Schema): Problem => ({
  code: "invalid_request",
  field,
  allowed: allowedBy(schema),
  message: `${field} field is required`,
});

function badName(field: string, name: string, schema: Schema): Problem {
  const allowed = allowedBy(schema);
  const [before = "", ...value] = name.split("="); // `NAME=VALUE` in the place of a name: the value may be secret
  const given = value.length > 0 ? `${before}=…` : name;
  const message = `${field} has the name ${shown(given)}: allowed is ${allowed}`;
  return { code: "invalid_request", field, value: factOf(given), allowed, message };
}

function badValue(field: string, data: unknown, schema: Schema): Problem {
  const allowed = allowedBy(schema);
  const what = field || WHOLE;
  if (schema["x-secret"]) {
    return { code: "invalid_request", field, allowed, message: `${what} is not ${allowed}` };
  }
  const isMissing = field === "" && data === null;
  const message = isMissing
    ? `${what} is missing: expected is ${allowed}`
    : `${what} is ${inWords(data)}: allowed is ${allowed}`;
  return {
    code: "invalid_request",
    field,
    value: isPlain(data) ? factOf(data) : inWords(data),
    allowed,
    message,
  };
}

/** Whether it may be repeated: what is in a list or an object may be secret. */
const isPlain = (data: unknown): boolean =>
  typeof data !== "object" || data === null || Object.keys(data).length === 0;

function inWords(data: unknown): string {
  if (isPlain(data)) return shown(data);
  return Array.isArray(data) ? "a list" : "an object";
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

function typeName(type: Schema["type"]): string {
  const types = [type ?? []].flat().filter((name) => name !== "null");
  return types.map((name) => TYPE_NAMES[name] ?? name).join(" or ") || "another value";
}

/** What a schema allows, in words. */
function allowedBy(schema: Schema): string {
  if (schema["x-allowed"]) return schema["x-allowed"];
  if (schema.enum) return `one of ${schema.enum.filter((one) => one !== null).join(", ")}`;
  return typeName(schema.type) + limitsOf(schema);
}

function limitsOf(schema: Schema): string {
  const { minimum, maximum, maxLength, maxItems, maxProperties } = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  if (maxLength !== undefined) return ` of at most ${maxLength} characters, without NUL`;
  if (maxItems !== undefined) return ` of at most ${maxItems}`;
  if (maxProperties !== undefined) return ` of at most ${maxProperties} entries`;
  return "";
}
