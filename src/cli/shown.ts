import type { ServiceWire } from "../api/view-schemas.ts";

/** A service as people see it: what is empty is left out. */
export function shown(service: ServiceWire): object {
  return Object.fromEntries(Object.entries(service).filter(([, value]) => !isEmpty(value)));
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
