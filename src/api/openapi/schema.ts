/** A JSON Schema as it stands in a route, or below one. */
export type Schema = Readonly<Record<string, unknown>>;

/** Our words that a reader of the document can do nothing with. */
const OWN_WORDS = new Set([
  "x-allowed",
  "x-later",
  "x-secret",
  "nullable",
  "format",
  "description",
]);

/** Formats are ours, too: JSON Schema's own `duration` is another (ISO 8601). */
const FORMATS: Readonly<Record<string, Schema>> = {
  duration: { format: "go-duration", examples: ["1m30s"] },
  "positive-duration": { format: "go-duration", examples: ["1m30s"] },
};

/** Where a schema stands that has a name: it is written once. */
export type Names = ReadonlyMap<object, string>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function descriptionOf(schema: Schema): Schema {
  const { description, "x-allowed": allowed } = schema;
  const isSaid = typeof allowed === "string";
  const parts = [description, isSaid && `Allowed: ${allowed}.`].filter(Boolean);
  return parts.length > 0 ? { description: parts.join(" ") } : {};
}

/** `nullable` is not of OpenAPI 3.1: null is a type, or one choice more. */
function withNull(schema: Schema): Schema {
  const { type, anyOf } = schema;
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...(anyOf as Schema[]), { type: "null" }] };
  return type === undefined ? schema : { ...schema, type: [type, "null"].flat() };
}

/**
 * A route's schema as OpenAPI 3.1 has it, which is JSON Schema 2020-12: named ones become references, our own words prose.
 *
 * @param names schemas that are written elsewhere, by identity
 * @param isItself the schema is such a one, and this is where it is written
 */
export function schema31(schema: Schema, names: Names, isItself = false): Schema {
  const name = names.get(schema);
  if (name !== undefined && !isItself) return { $ref: `#/components/schemas/${name}` };
  const { format } = schema;
  const known = typeof format === "string" ? (FORMATS[format] ?? { format }) : {};
  const kept = Object.entries(schema)
    .filter(([word]) => !OWN_WORDS.has(word))
    .map(([word, value]) => [word, converted(word, value, names)]);
  const all = { ...(Object.fromEntries(kept) as Schema), ...known, ...descriptionOf(schema) };
  return schema["nullable"] === true ? withNull(all) : all;
}

/** Words whose value is an object of schemas by name. */
const MAPS = new Set(["properties", "patternProperties", "$defs"]);
/** Words whose value is no schema, whatever it looks like. */
const VALUES = new Set(["default", "const", "enum", "examples", "required"]);

function converted(word: string, value: unknown, names: Names): unknown {
  if (VALUES.has(word)) return value;
  if (Array.isArray(value)) {
    return value.map((one: unknown) => (isSchema(one) ? schema31(one, names) : one));
  }
  if (!isSchema(value)) return value;
  if (!MAPS.has(word)) return schema31(value, names);
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, one]) => [name, isSchema(one) ? schema31(one, names) : one]),
  );
}
