import * as fc from "fast-check";

/** A JSON Schema out of the API's own document. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
}

interface Parameter {
  $ref?: string;
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
}

export interface OpenapiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; parameters: Record<string, Parameter> };
}

/** A request as it goes out. */
export interface RandomRequest {
  operation: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
}

/** Texts that have broken programs before. */
const NASTY = [
  "",
  " ",
  "0",
  "-1",
  "null",
  "../../etc/passwd",
  "a/b",
  "%00",
  "\u0000",
  "a\nb",
  "'; DROP TABLE events; --",
  "${HOME}",
  "__proto__",
  "constructor",
  "toString",
  "\ud800",
  "語".repeat(40),
  "x".repeat(5_000),
  "1e999",
  "9007199254740993",
  "signal",
  "web",
];

const nasty = fc.constantFrom(...NASTY);
const anyText = fc.oneof(nasty, fc.string({ maxLength: 30, unit: "binary" }));

/** Anything that JSON can hold. */
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  nasty,
  fc.integer(),
  fc.double(),
  fc.constant({ $env: "HOME" }),
  fc.constant({ __proto__: { a: 1 } }),
);

/** Programs that end by themselves or do nothing: whatever else is random, these are what is run. */
export const HARMLESS = ["/bin/true", "/bin/false", "/bin/sleep", "/nonexistent/program"] as const;
const program = fc.constantFrom(...HARMLESS);
const commandLine = fc.tuple(program, fc.constantFrom("0", "0.1", "1")).map((words) => words);

/** Names of things that may be there, and others. */
const someName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("web", "db", "services") },
  anyText,
);

/** Numbers of events and boots, and what is none. */
const somePlace = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("1", "7", "900719925474099") },
  anyText,
);

/** Fields whose values are chosen: programs to run, and what refers to something. */
const CHOSEN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  cmd: program,
  exec: commandLine,
  stop_command: commandLine,
  name: someName,
  signal: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("TERM", "hup", "0", "9") }, anyText),
};

/** Values that a schema allows, or nearly: mostly right, so that the deeper checks are reached, too. */
function valueOf(document: OpenapiDocument, schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if (depth > 5) return junk;
  const { $ref, anyOf = schema.oneOf } = schema;
  const below = (one: Schema): fc.Arbitrary<unknown> => valueOf(document, one, depth + 1);
  if ($ref !== undefined)
    return below(document.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {});
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...schema.enum) }, junk);
  if (anyOf) return fc.oneof(...anyOf.map(below));
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return junk;
  return fc.oneof(
    { weight: 12, arbitrary: fc.oneof(...types.map((type) => valueOfType(schema, type, below))) },
    { weight: 1, arbitrary: junk },
  );
}

function valueOfType(
  schema: Schema,
  type: string,
  below: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 100, 1_000) }),
        fc.constantFrom(-1, 0, 1.5, 65_536, Number.MAX_SAFE_INTEGER, 1e300),
      );
    case "array":
      return fc.array(below(schema.items ?? {}), { maxLength: 4 });
    case "object":
      return objectOf(schema, below);
    default:
      return textOf(schema);
  }
}

function textOf({ pattern, format }: Schema): fc.Arbitrary<string> {
  const durations = fc.constantFrom("0s", "10ms", "1m30s", "-1s", "5.0s", "1", "99999999h");
  if (format === "go-duration") return fc.oneof(durations, anyText);
  if (pattern === undefined) return anyText;
  return fc.oneof({ weight: 4, arbitrary: matching(pattern) }, { weight: 1, arbitrary: anyText });
}

/** A text that fits a pattern; anything where the pattern is beyond what can be made up. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern), { maxLength: 40 });
  } catch {
    return anyText;
  }
}

function objectOf(
  { properties = {}, required = [], additionalProperties }: Schema,
  below: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const known = Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, CHOSEN[name] ?? below(one)]),
  );
  const optional = Object.keys(known).filter((name) => !required.includes(name));
  const some = fc
    .subarray(optional, { maxLength: Math.min(2, optional.length) })
    .chain((names) =>
      fc.record(
        Object.fromEntries([...required, ...names].map((name) => [name, known[name] ?? junk])),
      ),
    );
  const more =
    typeof additionalProperties === "object"
      ? fc.dictionary(fc.stringMatching(/^[A-Z_]{1,5}$/), below(additionalProperties), {
          maxKeys: 3,
        })
      : fc.oneof(
          { weight: 9, arbitrary: fc.constant({}) },
          { weight: 1, arbitrary: fc.dictionary(anyText, junk, { maxKeys: 2 }) },
        );
  return fc.tuple(some, more).map(([one, other]) => ({ ...one, ...other }));
}

const headerText = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
  fc.constantFrom('"1"', "*", '"999"', "0", "-1", "1", "a, b", 'W/"1"'),
);

/** Headers as anybody may send them, right or wrong. */
const someHeaders = fc.dictionary(
  fc.constantFrom(
    "if-match",
    "idempotency-key",
    "last-event-id",
    "accept",
    "content-type",
    "origin",
    "cookie",
    "fly-replay-src",
    "x-forwarded-for",
    "accept-version",
    "range",
    "expect-ct",
  ),
  headerText,
  { maxKeys: 2 },
);

const textually = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

/** A text for a URL; halves of characters, which no URL can hold, are replaced. */
const inUrl = (value: unknown): string => encodeURIComponent(textually(value).toWellFormed());

function bodyOf(
  document: OpenapiDocument,
  schema: Schema | undefined,
): fc.Arbitrary<string | undefined> {
  const json = (value: unknown): string => JSON.stringify(value) ?? "";
  const wild = fc.oneof(
    junk.map(json),
    fc.constantFrom(
      "",
      "{",
      "null",
      "[]",
      '{"a":',
      '"',
      "\u0000",
      "[".repeat(20_000),
      '{"cmd":"/bin/true","cmd":1}',
    ),
  );
  if (!schema) return fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, wild);
  return fc.oneof({ weight: 5, arbitrary: valueOf(document, schema).map(json) }, wild);
}

/**
 * Requests of every operation of a document: mostly as the document allows, often not quite, sometimes not at all.
 * What they would have run is harmless.
 *
 * @param fixed values of query parameters that are always sent so, by name
 */
export function requestsOf(
  document: OpenapiDocument,
  fixed: Readonly<Record<string, string>> = {},
): fc.Arbitrary<RandomRequest> {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      requestOf(document, path, method, operation, fixed),
    ),
  );
  return fc.oneof(...all);
}

function requestOf(
  document: OpenapiDocument,
  path: string,
  method: string,
  operation: Operation,
  fixed: Readonly<Record<string, string>>,
): fc.Arbitrary<RandomRequest> {
  const parameters = (operation.parameters ?? []).filter(({ $ref }) => $ref === undefined);
  const names = parameters.filter((one) => one.in === "query").map(({ name }) => name);
  const query = fc.record(
    Object.fromEntries(
      parameters
        .filter((one) => one.in === "query")
        .map(({ name, schema }) => [
          name,
          fixed[name] === undefined ? valueOf(document, schema) : fc.constant(fixed[name]),
        ]),
    ),
    { requiredKeys: names.filter((name) => fixed[name] !== undefined) },
  );
  const strange = fc.oneof(
    { weight: 9, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(anyText, anyText, { maxKeys: 1 }) },
  );
  const body = bodyOf(document, operation.requestBody?.content["application/json"]?.schema);
  const prefix = fc.constantFrom("", "/v1");
  return fc
    .tuple(query, strange, someName, somePlace, body, someHeaders, prefix)
    .map(([asked, other, name, placed, sent, headers, under]) => {
      const isAtRoot = ["/healthz", "/metrics", "/docs", "/openapi.json"].includes(path);
      const pairs = Object.entries({ ...other, ...asked }).map(
        ([key, value]) => `${inUrl(key)}=${inUrl(value)}`,
      );
      const search = pairs.length > 0 ? `?${pairs.join("&")}` : "";
      return {
        operation: operation.operationId,
        method: method.toUpperCase(),
        url: `${isAtRoot ? "" : under}${path.replace(/\{(?:seq|boot)\}/, inUrl(placed) || "1").replace("{name}", inUrl(name) || "web")}${search}`,
        headers,
        ...(sent !== undefined && { body: sent }),
      };
    });
}
