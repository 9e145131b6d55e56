import type { FromSchema } from "json-schema-to-ts";
import {
  account,
  backoff,
  command,
  duration,
  envValue,
  exitCodes,
  labelQuery,
  labels,
  MAX_TEXT,
  nameSchema,
  NO_NUL,
  nullable,
  port,
  positiveDuration,
  text,
  umask,
} from "./field-schemas.ts";
import { health, ready } from "./probe-schemas.ts";

/** Fields of a definition that later releases act on: refused by name, never ignored. */
const LATER = ["limits", "schedule", "http_autostart"] as const;

const absolutePath = {
  ...nullable,
  type: "string",
  maxLength: 4_096,
  pattern: "^/[^\\u0000]*$",
  "x-allowed": "an absolute path",
} as const;

const definitionProperties = {
  name: { ...nameSchema, description: "Only the name in the path" },
  cmd: {
    ...text(4_096),
    "x-allowed": "the program alone, as a path or a name on PATH; arguments go in args",
  },
  args: {
    ...nullable,
    type: "array",
    maxItems: 10_000,
    "x-allowed": "a list of texts, at most 10000",
    items: { type: "string", maxLength: MAX_TEXT, pattern: NO_NUL },
  },
  env: {
    ...nullable,
    type: "object",
    maxProperties: 1_000,
    "x-allowed": "an object of names with texts, at most 1000",
    "x-secret": true,
    propertyNames: {
      type: "string",
      maxLength: 255,
      pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
      "x-allowed": "letters, digits and _, not beginning with a digit",
    },
    additionalProperties: envValue,
  },
  env_names: {
    not: {},
    "x-secret": true,
    "x-allowed": "nothing, since names without values cannot be written: give env",
  },
  dir: absolutePath,
  needs: {
    ...nullable,
    type: "array",
    maxItems: 100,
    uniqueItems: true,
    items: nameSchema,
    "x-allowed": "a list of at most 100 different names of services",
  },
  http_port: { ...nullable, ...port },
  httpPort: { ...nullable, ...port, description: "Another spelling of http_port" },
  user: { ...nullable, ...account("user") },
  group: { ...nullable, ...account("group") },
  umask: { ...nullable, ...umask },
  env_file: absolutePath,
  restart: {
    ...nullable,
    type: "string",
    enum: ["always", "on-failure", "never", null],
    default: "always",
  },
  success_exit_codes: { ...nullable, ...exitCodes },
  backoff: { ...nullable, ...backoff },
  max_failures: { ...nullable, type: "integer", minimum: 1, maximum: 1_000 },
  window: { ...nullable, ...positiveDuration, default: "1m0s" },
  stop_signal: {
    ...nullable,
    ...text(32),
    default: "TERM",
    "x-allowed": "the name of a signal, such as INT, or its number as text",
  },
  stop_timeout: { ...nullable, ...duration, default: "10s" },
  stop_command: { ...nullable, ...command },
  ready: { ...nullable, ...ready },
  ready_timeout: { ...nullable, ...positiveDuration, default: "1m0s" },
  health: { ...nullable, ...health },
  oneshot: { ...nullable, type: "boolean", default: false },
  watch: {
    ...nullable,
    type: "array",
    maxItems: 100,
    uniqueItems: true,
    "x-allowed": "a list of at most 100 different paths, absolute or from the service's directory",
    items: { type: "string", minLength: 1, maxLength: 4_096, pattern: NO_NUL },
  },
  labels: { ...nullable, ...labels },
  state: {
    readOnly: true,
    description: "Taken and left aside, so that what was read can be written back",
  },
} as const;

/** Body of PUT: a whole definition. null is the same as absent. */
export const definitionBody = {
  type: "object",
  additionalProperties: false,
  required: ["cmd"],
  "x-later": LATER,
  "x-allowed": "a JSON object with at least cmd",
  properties: definitionProperties,
} as const;

/** Body of PATCH: what changes. null removes, absent stays. */
export const changeBody = {
  type: "object",
  additionalProperties: false,
  "x-later": LATER,
  "x-allowed": "a JSON object with the fields that change",
  properties: definitionProperties,
} as const;

export const signalBody = {
  type: "object",
  additionalProperties: false,
  required: ["name", "signal"],
  "x-allowed": "a JSON object with name and signal",
  properties: { name: nameSchema, signal: text(32) },
} as const;

/** Commands without a body take an empty object, too. */
export const emptyBody = {
  type: "object",
  nullable: true,
  additionalProperties: false,
  properties: {},
  "x-allowed": "no body",
} as const;

export const nameParams = {
  type: "object",
  required: ["name"],
  properties: { name: nameSchema },
} as const;

const query = <const Properties extends object>(properties: Properties) =>
  ({ type: "object", additionalProperties: false, properties }) as const;

export const noQuery = query({});
export const listQuery = query({
  label: labelQuery,
  names: {
    type: "string",
    maxLength: 20_000,
    pattern: "^[A-Za-z0-9_.,-]*$",
    description: "Of these services alone, with commas between; names that nobody has are left out",
    "x-allowed": "names of services with commas between",
  },
});
export const startQuery = query({ duration });
export const putQuery = query({ duration, timeout: duration });
export const rollbackQuery = query({
  version: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  duration,
});
export const restartQuery = query({ duration, timeout: duration });
export const stopQuery = query({ timeout: duration, with_dependents: { type: "boolean" } });
export const logsQuery = query({
  lines: { type: "integer", minimum: 0, maximum: 1_000_000 },
  duration,
  follow: { type: "boolean" },
});
export const eventsQuery = query({
  service: { ...nameSchema, description: "Events of this service alone" },
  kind: {
    type: "string",
    enum: ["service", "component", "environment"],
    description: "Events of streams of this kind alone",
  },
  type: {
    type: "string",
    maxLength: 1_000,
    pattern: "^[a-z]+\\.([a-z_]+|\\*)(,[a-z]+\\.([a-z_]+|\\*))*$",
    "x-allowed": "types of events by commas, such as process.exited,service.*",
    description: "Events of these types alone",
  },
  from: {
    type: "integer",
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The first seq that is wanted. Default: the first that is left",
  },
  limit: {
    type: "integer",
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "So many at most",
  },
  follow: {
    type: "boolean",
    description: "Go on with those that come. Default: false, and true for server-sent events",
  },
});

type Options = { keepDefaultedPropertiesOptional: true };

export type DefinitionBody = FromSchema<typeof definitionBody, Options>;
export type ChangeBody = FromSchema<typeof changeBody, Options>;
export type SignalBody = FromSchema<typeof signalBody>;
export type NameParams = FromSchema<typeof nameParams>;
export type PutQuery = FromSchema<typeof putQuery>;
export type ListQuery = FromSchema<typeof listQuery>;
export type StartQuery = FromSchema<typeof startQuery>;
export type RollbackQuery = FromSchema<typeof rollbackQuery>;
export type RestartQuery = FromSchema<typeof restartQuery>;
export type StopQuery = FromSchema<typeof stopQuery>;
export type LogsQuery = FromSchema<typeof logsQuery>;
export type EventsQuery = FromSchema<typeof eventsQuery>;
