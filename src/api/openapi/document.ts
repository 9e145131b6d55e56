import { AppError, ERRORS, type ErrorCode } from "../../base/errors.ts";
import { eventView, headView } from "../event-wire.ts";
import { changeBody, definitionBody, nameParams, signalBody } from "../schemas.ts";
import { STATUS } from "../status.ts";
import { errorView, serviceView, streamLine } from "../view-schemas.ts";
import type { CataloguedRoute } from "./catalogue.ts";
import { OPERATIONS, type Operation, type RequestHeader } from "./operations.ts";
import { schema31, type Schema } from "./schema.ts";

/** Schemas that are written once, and what they are called. */
const NAMES = new Map<object, string>([
  [serviceView, "Service"],
  [definitionBody, "Definition"],
  [changeBody, "DefinitionChange"],
  [signalBody, "Signal"],
  [streamLine, "StreamLine"],
  [eventView, "Event"],
  [headView, "EventsHead"],
  [nameParams.properties.name, "ServiceName"],
  [errorView, "Error"],
]);

/** What any request can run into; those on open paths only the rest. */
const ALWAYS = [
  "invalid_request",
  "unauthorized",
  "forbidden",
  "rate_limited",
  "internal",
] as const;
const ALWAYS_OPEN = ["invalid_request", "forbidden", "internal"] as const;

const text = (description: string, pattern?: string) => ({
  description,
  schema: { type: "string", ...(pattern !== undefined && { pattern }) },
});

const REQUEST_HEADERS: Readonly<Record<RequestHeader, object>> = {
  "Idempotency-Key": text(
    "A name for this request, kept for 24 hours with its answer: sent again, with the same body, it is carried out once. 1 to 255 printable ASCII characters.",
    "^[\\x20-\\x7e]{1,255}$",
  ),
  "If-Match": text(
    "The ETag that GET gave: the command is refused where somebody else changed the definition meanwhile. `*` is any that exists.",
    '^("\\d{1,15}"|\\d{1,15}|\\*)$',
  ),
  "Last-Event-ID": text(
    "The seq of the last event that you have: the answer begins after it.",
    "^\\d{1,15}$",
  ),
};

const ANSWER_HEADERS = {
  "Sprite-Version": text("The release of the daemon"),
  ETag: text("The version of the definition, for If-Match"),
  "Retry-After": text("Seconds to wait before asking again"),
  "WWW-Authenticate": text("How to say who asks"),
} as const;

const headerRef = (name: keyof typeof ANSWER_HEADERS) => ({
  [name]: { $ref: `#/components/headers/${name}` },
});

const parameterName = (header: RequestHeader): string => header.replaceAll("-", "");

/** `/services/:name` → `/services/{name}`. */
export const pathOf = (url: string): string => url.replaceAll(/:([A-Za-z]+)/g, "{$1}");

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null;

/** The properties of a schema as parameters. */
function parametersIn(place: "path" | "query", schema: unknown): object[] {
  if (!isSchema(schema)) return [];
  const { properties = {}, required = [] } = schema as {
    properties?: Readonly<Record<string, Schema>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = schema31(property, NAMES);
    const isRequired = place === "path" || required.includes(name);
    return {
      name,
      in: place,
      ...(isRequired && { required: true }),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** A body that may hold nothing is none. */
function requestBody(schema: unknown): object {
  if (
    !isSchema(schema) ||
    Object.keys((schema["properties"] as object | undefined) ?? {}).length === 0
  ) {
    return {};
  }
  const content = { "application/json": { schema: schema31(schema, NAMES) } };
  return { requestBody: { required: true, content } };
}

/** Errors by status: their codes, with what each means. */
function errorAnswers(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => STATUS[code]);
  const answers = [...byStatus].map(([status, all]) => {
    const description = all.map((code) => `\`${code}\`: ${ERRORS[code]}`).join("; ");
    const headers = {
      ...headerRef("Sprite-Version"),
      ...((status === 429 || status === 503) && headerRef("Retry-After")),
      ...(status === 401 && headerRef("WWW-Authenticate")),
    };
    const schema = { $ref: "#/components/schemas/Error" };
    return [String(status), { description, headers, content: { "application/json": { schema } } }];
  });
  return Object.fromEntries(answers) as Record<string, object>;
}

function success(
  { status = 200, answer, types, hasETag }: Operation,
  response: unknown,
): Record<string, object> {
  const schema = isSchema(response) ? (response as Record<string, unknown>)["200"] : undefined;
  const media = isSchema(schema) ? { schema: schema31(schema, NAMES) } : {};
  const content = Object.fromEntries((types ?? ["application/json"]).map((type) => [type, media]));
  const headers = { ...headerRef("Sprite-Version"), ...(hasETag && headerRef("ETag")) };
  return { [status]: { description: answer, headers, ...(status !== 204 && { content }) } };
}

function operationOf(route: CataloguedRoute, operation: Operation): object {
  const { params, querystring, body, response } = route.schema;
  const headers = (operation.headers ?? []).map((header) => ({
    $ref: `#/components/parameters/${parameterName(header)}`,
  }));
  const parameters = [
    ...parametersIn("path", params),
    ...parametersIn("query", querystring),
    ...headers,
  ];
  const always = route.isOpen ? ALWAYS_OPEN : ALWAYS;
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    ...(operation.atRoot && { servers: [ROOT] }),
    ...(route.isOpen && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(body),
    responses: {
      ...success(operation, response),
      ...errorAnswers([...always, ...(operation.errors ?? [])]),
    },
  };
}

const ROOT = { url: "/", description: "The same, bare" } as const;

const INTRODUCTION = `Services, their output and their whole past.

Over the Unix socket nobody is asked who they are: who can open it may do everything. Over TCP a token says who asks
(\`Authorization: Bearer TOKEN\`, or \`Basic\` with the user \`bearer\`); a read-only one may use GET alone.

Every error is \`{"error": "<code>", "message": "…"}\` with facts beside it; the codes are a closed list. Durations are as Go
writes them: \`500ms\`, \`5s\`, \`1m30s\`. Answers of type \`application/x-ndjson\` are one JSON object a line, sent as things
happen; the schema is that of one line.`;

const SECURITY = {
  bearer: { type: "http", scheme: "bearer", description: "A token of the daemon" },
  basic: {
    type: "http",
    scheme: "basic",
    description: "The user `bearer`, and a token as the password",
  },
  replay: {
    type: "apiKey",
    in: "header",
    name: "fly-replay-src",
    description: "`state=TOKEN` among its parts: what an edge proxy passes on",
  },
} as const;

const errorSchema = {
  ...schema31(errorView, NAMES, true),
  properties: {
    error: {
      type: "string",
      enum: Object.keys(ERRORS),
      description: "What kind of error, for programs",
    },
    message: { type: "string", description: "What happened, to what, and what to do, for people" },
  },
  additionalProperties: true,
};

function components(): object {
  const schemas = [...NAMES].map(([schema, name]) => [
    name,
    schema31(schema as Schema, NAMES, true),
  ]);
  const parameters = Object.entries(REQUEST_HEADERS).map(([name, parameter]) => [
    parameterName(name as RequestHeader), // the table's own keys
    { name, in: "header", ...parameter },
  ]);
  return {
    schemas: { ...Object.fromEntries(schemas), Error: errorSchema },
    parameters: Object.fromEntries(parameters),
    headers: ANSWER_HEADERS,
    securitySchemes: SECURITY,
  };
}

/**
 * The OpenAPI 3.1 document of the API, made from the schemas that requests are checked with.
 *
 * Paths stand without their prefixes, which are the document's servers.
 *
 * @param routes those at the root
 * @throws AppError `internal` for a route that nobody has described
 */
export function openapiDocument(
  routes: readonly CataloguedRoute[],
  { version, spriteName }: { version: string; spriteName: string },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const operation = OPERATIONS[`${route.method} ${route.url}`];
    if (!operation) throw new AppError("internal", `${route.method} ${route.url} is not described`);
    const path = pathOf(route.url);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "sprite-env",
      version,
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [
      { url: "/v1", description: "This daemon" },
      {
        url: "/v1/sprites/{sprite}",
        description: "The same, by the sprite's name",
        variables: { sprite: { default: spriteName } },
      },
      ROOT,
    ],
    security: Object.keys(SECURITY).map((name) => ({ [name]: [] })),
    tags: [
      { name: "services", description: "What runs" },
      { name: "exec", description: "Commands beside the main process" },
      { name: "events", description: "What happened" },
      { name: "past", description: "What was at any moment, and why" },
      { name: "daemon", description: "The daemon itself" },
    ],
    paths,
    components: components(),
  };
}
