import type { ChangeBody, DefinitionBody } from "../api/schemas.ts";
import type { ServiceWire } from "../api/view-schemas.ts";
import { durationMs } from "../base/duration.ts";
import { isObject } from "./definition-file.ts";
import { definitionOf } from "./merge.ts";
import type { Wanted } from "./wanted.ts";

/** One field that differs. undefined: it is not there. */
export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/** What is to be done with one service. */
export interface Step {
  name: string;
  kind: "new" | "changed" | "same";
  definition: DefinitionBody;
  changes: readonly FieldChange[];
  /** Version of the definition that the change is meant for; absent for a new service. */
  version: number | undefined;
}

/** What must be done so that services become what is wanted, in the order of what is wanted. */
export function planOf(wanted: readonly Wanted[], services: readonly ServiceWire[]): Step[] {
  return wanted.map(({ name, definition }) => {
    const service = services.find((one) => one.name === name);
    const changes = differences(service ? definitionOf(service) : {}, definition);
    const kind = !service ? "new" : changes.length > 0 ? "changed" : "same";
    return { name, kind, definition, changes, version: service?.state.version };
  });
}

/** The fields that differ. A PUT replaces, so what is not wanted any more goes. */
function differences(current: ChangeBody, wanted: DefinitionBody): FieldChange[] {
  const before = leaves(current);
  const after = leaves(wanted);
  const fields = [...new Set([...after.keys(), ...before.keys()])];
  return fields
    .filter((field) => canonical(field, before.get(field)) !== canonical(field, after.get(field)))
    .map((field) => ({ field, before: before.get(field), after: after.get(field) }));
}

/** Fields by their dotted names (`backoff.max`, `env.PORT`). null, empty lists and empty objects are the same as absent. */
function leaves(value: object, prefix = ""): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) {
    const field = `${prefix}${key === "httpPort" ? "http_port" : key}`;
    if (isObject(item)) for (const [name, leaf] of leaves(item, `${field}.`)) found.set(name, leaf);
    else if (!isEmpty(item)) found.set(field, item);
  }
  return found;
}

const isEmpty = (item: unknown): boolean =>
  item === null || item === undefined || (Array.isArray(item) && item.length === 0);

/** Fields whose values are durations. */
const DURATIONS =
  /^(window|stop_timeout|ready_timeout|backoff\.(first|max|reset_after)|health\.(every|timeout))$/;

/** Fields of which one value may be written in several ways: of each, one. */
const ONE_WAY: Readonly<Record<string, (value: unknown) => unknown>> = {
  user: (id) => (typeof id === "number" ? `${id}` : id),
  group: (id) => (typeof id === "number" ? `${id}` : id),
  umask: (mask) => (typeof mask === "string" ? mask.padStart(4, "0") : mask),
  stop_signal: (name) => (typeof name === "string" ? name.toUpperCase().replace(/^SIG/, "") : name),
  success_exit_codes: (codes) =>
    Array.isArray(codes) ? codes.map((code) => JSON.stringify(code)).toSorted() : codes,
  "ready.tcp": addressOf,
  "health.tcp": addressOf,
};

/** A port of this machine, as it is shown. */
function addressOf(tcp: unknown): unknown {
  if (typeof tcp === "number") return `localhost:${tcp}`;
  return typeof tcp === "string" ? tcp.replace(/^:/, "localhost:") : tcp;
}

/** The same value is the same text: `60s` and `1m`, `SIGINT` and `int`, `27` and `0027`. A text of somebody's own stays as it is. */
function canonical(field: string, value: unknown): string {
  const isDuration = DURATIONS.test(field) && typeof value === "string";
  const one = isDuration ? (durationMs(value) ?? value) : value;
  return JSON.stringify(Object.hasOwn(ONE_WAY, field) ? ONE_WAY[field]?.(one) : one) ?? "";
}
