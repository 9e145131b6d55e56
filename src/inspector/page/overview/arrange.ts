import type { ServiceWire } from "../data/wire.ts";

/* Which services are shown, and how they are grouped. Nothing of the page, so that tests need no browser. */

export interface Wanted {
  /** Words that all must be in the name, the command or a label (`tier=web`); `is:failed` is a state, `needs:db` what it needs. */
  text: string;
  phases: ReadonlySet<string>;
}

export function isWanted(service: ServiceWire, { text, phases }: Wanted): boolean {
  if (phases.size > 0 && !phases.has(service.state.phase)) return false;
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => hasWord(service, word));
}

function hasWord({ name, cmd, needs, labels = {}, state }: ServiceWire, word: string): boolean {
  const [, key, value = ""] = /^(is|needs):(.+)$/.exec(word) ?? [];
  if (key === "is")
    return state.phase === value || (state.flags ?? []).some((flag) => flag.startsWith(value));
  if (key === "needs") return needs.includes(value);
  const texts = [name, cmd, ...Object.entries(labels).map(([label, is]) => `${label}=${is}`)];
  return texts.some((one) => one.toLowerCase().includes(word));
}

/** Names of labels that any service has, sorted. */
export const labelsOf = (services: readonly ServiceWire[]): string[] =>
  [...new Set(services.flatMap(({ labels = {} }) => Object.keys(labels)))].toSorted();

export interface Group {
  /** Value of the label; undefined: those that do not have it. */
  value: string | undefined;
  names: readonly string[];
}

/** By a label's value, those without it last. */
export function grouped(services: readonly ServiceWire[], label: string): Group[] {
  const groups = new Map<string | undefined, string[]>();
  for (const { name, labels = {} } of services) {
    const value = labels[label];
    groups.set(value, [...(groups.get(value) ?? []), name]);
  }
  return [...groups]
    .map(([value, names]) => ({ value, names: names.toSorted() }))
    .toSorted((a, b) =>
      a.value === undefined ? 1 : b.value === undefined ? -1 : a.value.localeCompare(b.value),
    );
}

/** Why a service is not up, in one line; undefined where there is nothing to explain. */
export function reasonOf({ state }: ServiceWire): string | undefined {
  const flags = state.flags ?? [];
  if (state.waiting_for?.length) return `waits for ${state.waiting_for.join(", ")}`;
  if (flags.includes("quarantined")) return "quarantined: its log does not fit its machine";
  if (flags.includes("unkillable")) return "a process of it does not end";
  if (state.error !== undefined) return state.error;
  if (flags.includes("unhealthy")) return "up, and its health check fails";
  return undefined;
}
