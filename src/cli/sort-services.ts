import type { Service, ServiceState } from "../client/client.ts";

/** What services can be put in order by. */
export const SORTS = ["name", "state", "uptime", "restarts"] as const;

export type Sort = (typeof SORTS)[number];

/** What needs somebody comes first. */
const TROUBLE: readonly ServiceState["phase"][] = [
  "failed",
  "crashed",
  "pending",
  "restarting",
  "starting",
  "stopping",
  "running",
  "stopped",
];

type Key = (service: Service) => number;

/** The smaller, the earlier; those that are the same go by name. */
const KEYS: Readonly<Record<Exclude<Sort, "name">, Key>> = {
  state: ({ state }) => TROUBLE.indexOf(state.phase),
  /** Up for the longest first; those that are down last. */
  uptime: ({ state }) =>
    state.pid === undefined || !state.started_at ? Infinity : Date.parse(state.started_at),
  restarts: ({ state }) => -(state.restart_count ?? 0),
};

/** Services in the order asked for. */
export function sorted(services: readonly Service[], by: Sort): Service[] {
  const byName = services.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (by === "name") return byName;
  const key = KEYS[by];
  return byName.toSorted((a, b) => compare(key(a), key(b)));
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
