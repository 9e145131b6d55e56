import { isDeepStrictEqual } from "node:util";
import type { EnvValue, ServiceDefinition } from "../../machines/definition.ts";
import { definitionWire } from "../api/definition-wire.ts";

/** A field of a definition that differs, by its dotted name on the wire; absent: it was, or is, not given. */
export type FieldChange =
  | { field: string; before?: unknown; after?: unknown }
  /** A variable: its value is never told. */
  | { variable: string; change: "set" | "removed" | "changed" };

/** What differs between two definitions as they were given, in the wire's order. */
export function definitionChanges(
  before: ServiceDefinition,
  after: ServiceDefinition,
): FieldChange[] {
  const old = fieldsOf(before);
  const fresh = fieldsOf(after);
  const changed = [...new Set([...fresh.keys(), ...old.keys()])]
    .filter((field) => !isDeepStrictEqual(old.get(field), fresh.get(field)))
    .map((field) => ({
      field,
      ...(old.has(field) && { before: old.get(field) }),
      ...(fresh.has(field) && { after: fresh.get(field) }),
    }));
  return [...changed, ...variableChanges(before.env ?? {}, after.env ?? {})];
}

/** A definition as lists show it: the names of its variables alone. */
export function definitionFields(definition: ServiceDefinition): object {
  const { cmd, args = [], env = {} } = definition;
  const names = Object.keys(env);
  const variables = names.length > 0 && { env_names: names };
  return { cmd, args: [...args], ...variables, ...definitionWire(definition) };
}

/** The fields that were given, by their names on the wire, such as `backoff.max`; variables aside. */
function fieldsOf({ env: _env, ...definition }: ServiceDefinition): Map<string, unknown> {
  return new Map(leaves(definitionFields(definition)));
}

function leaves(value: object, prefix = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]): [string, unknown][] => {
    if (Array.isArray(item)) return item.length > 0 ? [[prefix + key, item]] : [];
    if (typeof item === "object" && item !== null) return leaves(item, `${prefix}${key}.`);
    return item === undefined ? [] : [[prefix + key, item]];
  });
}

type Variables = { readonly [name: string]: EnvValue };

/** Values that are the same have the same reference. */
function variableChanges(before: Variables, after: Variables): FieldChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((variable) => {
      const isNew = !Object.hasOwn(before, variable);
      const change = isNew ? "set" : Object.hasOwn(after, variable) ? "changed" : "removed";
      return { variable, change };
    });
}

/** As JSON prints it; variables as `apply --dry-run` has them. */
export const changeJson = (change: FieldChange): object =>
  "variable" in change
    ? {
        field: `env.${change.variable}`,
        was_set: change.change !== "set",
        is_set: change.change !== "removed",
      }
    : change;

/** In words: `dir: /srv → /opt`, `env.DEBUG: is set`. */
export function changeInWords(change: FieldChange): string {
  if ("variable" in change)
    return `env.${change.variable}: ${change.change === "changed" ? "gets another value" : `is ${change.change}`}`;
  const { field, before, after } = change;
  if (before === undefined) return `${field}: ${text(after)}`;
  if (after === undefined) return `${field}: ${text(before)} is removed`;
  return `${field}: ${text(before)} → ${text(after)}`;
}

const text = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(" ") : String(value);
