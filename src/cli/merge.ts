import type { ChangeBody } from "../api/schemas.ts";
import type { ServiceWire } from "../api/view-schemas.ts";

type Fields = { [Field in keyof ChangeBody]: ChangeBody[Field] };

const PROBES = ["http", "tcp", "exec"] as const;

/** A definition alone, out of what `get` gives: what may be written back. */
export function definitionOf({
  name: _name,
  state: _state,
  ...definition
}: ServiceWire): ChangeBody {
  const { env_names: _names, ...fields } = definition;
  return fields as ChangeBody; // a service on the wire is a definition with a state
}

/**
 * Lays the fields given over others. Variables, labels, backoff and health are laid over one by one, so that
 * `--env DEBUG=1` keeps the other variables; lists are replaced, and so is `ready`, which has one part.
 */
export function laidOver(base: ChangeBody, given: ChangeBody): ChangeBody {
  const merged: Fields = { ...base, ...given };
  if (base.env && given.env) merged.env = { ...base.env, ...given.env };
  if (base.labels && given.labels) merged.labels = { ...base.labels, ...given.labels };
  if (base.backoff && given.backoff) merged.backoff = { ...base.backoff, ...given.backoff };
  if (base.health && given.health)
    merged.health = { ...withoutProbe(base.health, given.health), ...given.health };
  return merged;
}

/** A service is asked in one way: another one takes the place of the old. */
function withoutProbe<T extends object>(base: T, given: object): T {
  if (!PROBES.some((probe) => probe in given)) return base;
  const kept = Object.entries(base).filter(([key]) => !PROBES.some((probe) => probe === key));
  return Object.fromEntries(kept) as T; // the probes are optional in it
}

/** Only the fields of `wanted` that differ from `current`. */
export function changed(current: ChangeBody, wanted: ChangeBody): ChangeBody {
  const fields = Object.entries(wanted).filter(
    ([field, value]) =>
      JSON.stringify(value) !== JSON.stringify(current[field as keyof ChangeBody]),
  );
  return Object.fromEntries(fields) as ChangeBody; // a part of it
}
