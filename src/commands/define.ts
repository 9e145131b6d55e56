import { resolved, type ServiceDefinition } from "../../machines/definition.ts";
import type { SealedValue } from "../journal/journal.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";
import {
  mustAgree,
  mustBeOnlyHttpPort,
  mustBeOpen,
  mustHaveGoodNeeds,
  mustMatch,
  mustTakeWishes,
} from "./checks.ts";
import type { EnvValues } from "./env-values.ts";
import type { Caller, RequestedDefinition } from "./ports.ts";

export interface Definition {
  name: string;
  /** Also start it where it is down, and create it where it is not there. */
  start: boolean;
  /** What it is to be, given what it is. */
  wanted: (old: ServiceDefinition | undefined) => RequestedDefinition;
}

/**
 * Decides what a definition that somebody asks for leads to: a birth, a change, a start, or nothing.
 *
 * @param sealed gets the values of `env` to store in the same transaction
 */
export function define(
  { name, start, wanted }: Definition,
  ifMatch: Caller["ifMatch"],
  values: EnvValues,
  sealed: SealedValue[],
): (view: RuntimeView) => Fact[] {
  return (view) => {
    mustBeOpen(view);
    mustMatch(view, name, ifMatch);
    const existing = view.service(name);
    if (existing || view.quarantined(name) !== undefined || !start) mustTakeWishes(view, name);
    const old = existing?.context.definition;
    const { env, ...rest } = wanted(old);
    mustBeGood(view, name, rest);
    const kept = values.seal(env ?? {}, old?.env ?? {});
    sealed.push(...kept.sealed);
    const definition: ServiceDefinition = { ...rest, ...(env && { env: kept.references }) };
    return becoming(view, name, definition, start);
  };
}

/** Refuses a definition that contradicts itself or what the other services are. */
export function mustBeGood(view: RuntimeView, name: string, definition: RequestedDefinition): void {
  mustAgree(definition);
  mustHaveGoodNeeds(view, name, definition);
  mustBeOnlyHttpPort(view, name, definition);
}

/** What leads from what a service is to a definition, whose `env` holds references: a birth, a change, a start, or nothing. */
export function becoming(
  view: RuntimeView,
  name: string,
  definition: ServiceDefinition,
  start: boolean,
): Fact[] {
  const stream = `service/${name}`;
  const existing = view.service(name);
  const version = view.nextVersion(name);
  if (!existing) return [{ stream, event: { type: "service.created", definition, version } }];
  if (!isSame(existing.context.definition, definition)) {
    return [{ stream, event: { type: "service.changed", definition, version, start } }];
  }
  const isUp = existing.phase === "running" || existing.phase === "starting";
  return isUp || !start ? [] : [{ stream, event: { type: "service.start_requested" } }];
}

/** A definition with some fields changed; null removes one. */
export function merged(
  old: ServiceDefinition,
  change: { readonly [field: string]: unknown },
  values: EnvValues,
): RequestedDefinition {
  const env = old.env && change["env"] === undefined ? values.open(old.env) : undefined;
  const fields = Object.entries({ ...old, ...(env && { env }), ...change }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(fields) as unknown as RequestedDefinition; // the old one's fields and checked new ones
}

/** Whether two definitions are the same once their defaults are in place. Values of `env` that are the same have the same reference. */
export const isSame = (old: ServiceDefinition | undefined, other: ServiceDefinition): boolean =>
  old !== undefined &&
  JSON.stringify(sorted(resolved(old))) === JSON.stringify(sorted(resolved(other)));

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
};
