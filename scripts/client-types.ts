import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventView, headView } from "../src/api/event-wire.ts";
import { componentView } from "../src/api/routes/components.ts";
import { planView } from "../src/api/routes/configuration.ts";
import { ticketView } from "../src/api/routes/inspector.ts";
import { projectionView } from "../src/api/routes/projections.ts";
import * as past from "../src/api/past-schemas.ts";
import { machinesView } from "../src/api/routes/machines.ts";
import { usageView } from "../src/api/routes/usage.ts";
import { definitionBody } from "../src/api/schemas.ts";
import { serviceView, streamLine } from "../src/api/view-schemas.ts";

/*
 * The client's types come from the same JSON Schemas as the API's. json-schema-to-ts, which derives the API's own, is a development
 * dependency that no one has who installs the package, so the client's are written out.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE = `${ROOT}src/client/types.ts`;

const HEAD = `/*
 * What the API takes and gives, as types. Made by scripts/client-types.ts from the schemas in src/api; a test holds it to them.
 * Imports nothing, so that it can be shipped as it stands.
 */
`;

/** The part of JSON Schema that our schemas use. */
interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  nullable?: boolean;
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  default?: unknown;
  "x-allowed"?: string;
}

/** The types that are written, by their names, in the order in which they appear. */
const TYPES: readonly (readonly [string, string, Schema])[] = [
  [
    "ServiceDefinition",
    "A whole definition, as it is written. null is the same as absent.",
    definitionBody,
  ],
  ["Service", "A service as it is shown: its definition and its state.", serviceView],
  ["StreamLine", "One line of a command's reply.", streamLine],
  ["EventRecord", "One row of the event log. What each type means: docs/events.md.", eventView],
  ["LogHead", "Where the event log begins and ends.", headView],
  ["InspectorTicket", "A way into the inspector for a browser.", ticketView],
  ["Component", "A component as it is shown.", componentView],
  ["ConfigPlan", "What the configuration file leads to.", planView],
  ["Usage", "What services take of the machine.", usageView],
  ["Machines", "The state machines of the daemon, as graphs.", machinesView],
  ["PastSpan", "Where the log begins and ends.", past.spanView],
  ["PastStrip", "The log in pieces.", past.stripView],
  ["PastState", "What every service was at a moment.", past.stateView],
  ["PastJump", "The event that was looked for.", past.jumpView],
  ["PastEvents", "Events in words, the newest first.", past.toldView],
  ["PastCauses", "A chain of causes.", past.causesView],
  ["PastEdges", "How often each way was gone.", past.edgesView],
  ["PastRestarts", "Restarts over time.", past.restartsView],
  ["PastLogs", "Lines of output, with the life each is of.", past.logsView],
  ["Projection", "A read model, folded from the event log.", projectionView],
];

const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  integer: "number",
  number: "number",
  boolean: "boolean",
  null: "null",
};

const union = (parts: readonly string[]): string => [...new Set(parts)].join(" | ");

function typeOf(schema: Schema): string {
  const known = bareType(schema);
  const takesNull = schema.nullable && known !== "unknown" && !known.endsWith("null");
  return takesNull ? union([known, "null"]) : known;
}

function bareType(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return union(choices.map(typeOf));
  return union([schema.type ?? "unknown"].flat().map((type) => ofType(type, schema)));
}

function ofType(type: string, schema: Schema): string {
  if (type === "array") return `(${schema.items ? typeOf(schema.items) : "unknown"})[]`;
  if (type === "object") return objectType(schema);
  return SCALARS[type] ?? "unknown";
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(schema)}${name}${required.includes(name) ? "" : "?"}: ${typeOf(schema)};`,
  );
  if (typeof additionalProperties === "object")
    fields.push(`[name: string]: ${typeOf(additionalProperties)};`);
  else if (fields.length === 0) fields.push("[name: string]: unknown;");
  return `{\n${fields.join("\n")}\n}`;
}

/** What people read where they use a field. */
function comment(schema: Schema): string {
  const { description, default: standard, "x-allowed": allowed } = schema;
  const parts = [
    description,
    allowed === undefined ? undefined : sentence(allowed),
    standard === undefined ? undefined : `Default: ${JSON.stringify(standard)}`,
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return "";
  return `/** ${parts.map((part) => part.replaceAll("*/", "* /").replace(/\.$/, "")).join(". ")}. */\n`;
}

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** What follows from the others. */
const DERIVED = `/** What changes of a definition. null removes, absent stays. */
export type ServiceChange = Partial<ServiceDefinition>;

/** What a service is doing. */
export type ServiceState = Service["state"];

/** The answer to \`GET /healthz\`. */
export interface Health {
  status: "ok";
  /** Of the daemon's release. */
  version: string;
}
`;

/** As the whole tree is formatted. */
function formatted(text: string): string {
  const oxfmt = `${ROOT}node_modules/.bin/oxfmt`;
  const ran = spawnSync(oxfmt, ["--stdin-filepath", FILE], {
    input: text,
    encoding: "utf8",
    cwd: ROOT,
  });
  if (ran.status !== 0) throw new Error(`oxfmt: ${ran.stderr}`);
  return ran.stdout;
}

/** The text of src/client/types.ts. */
export function clientTypes(): string {
  const types = TYPES.map(
    ([name, told, schema]) => `/** ${told} */\nexport interface ${name} ${objectType(schema)}`,
  );
  return formatted(`${HEAD}\n${types.join("\n\n")}\n\n${DERIVED}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, clientTypes());
