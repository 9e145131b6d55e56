import { definitionBody } from "../api/schemas.ts";
import { configSchema } from "../config/schema.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Words of ours, and formats that no editor knows. */
const OURS = new Set(["x-allowed", "x-later", "x-secret", "format", "nullable"]);

const VARIABLE = { $ref: "#/$defs/variable" } as const;

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A schema as editors take it: what is allowed is part of what is said, and a variable may stand for every value. */
function plain(schema: Schema): Schema {
  const allowed = schema["x-allowed"];
  const entries = Object.entries(schema)
    .filter(([key]) => !OURS.has(key))
    .map(([key, value]) => [key, below(key, value)] as const);
  const words = [schema["description"], typeof allowed === "string" && `Allowed: ${allowed}`];
  const description = words.filter(Boolean).join(". ");
  return { ...Object.fromEntries(entries), ...(description !== "" && { description }) };
}

function below(key: string, value: unknown): unknown {
  if (key === "properties" && isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, orVariable(one as Schema)]),
    );
  if ((key === "items" || key === "additionalProperties") && isObject(value))
    return orVariable(value);
  if (key === "propertyNames" && isObject(value)) return plain(value);
  if ((key === "anyOf" || key === "oneOf") && Array.isArray(value))
    return value.map((one: Schema) => plain(one));
  return value;
}

function orVariable(schema: Schema): Schema {
  const { description, default: standard, ...rest } = plain(schema);
  return {
    ...(description !== undefined && { description }),
    ...(standard !== undefined && { default: standard }),
    anyOf: [rest, VARIABLE],
  };
}

/** JSON Schema of the configuration file, for editors: `{"$schema": "…/config.schema.json"}` in the file names it. */
export function editorSchema(): object {
  const { properties, ...whole } = configSchema;
  const services = { ...properties.services, additionalProperties: definitionBody };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "sprite-env configuration",
    ...plain(whole),
    properties: {
      $schema: { type: "string" },
      ...(below("properties", { ...properties, services }) as object),
    },
    $defs: {
      variable: {
        type: "object",
        additionalProperties: false,
        required: ["$env"],
        description: "The value of an environment variable",
        properties: { $env: { type: "string", minLength: 1 } },
      },
    },
  };
}
