import type { ServiceWire } from "../api/view-schemas.ts";
import { paint, type Colour } from "./output.ts";
import { table } from "./table.ts";

const COLOURS: Readonly<Record<ServiceWire["state"]["phase"], Colour>> = {
  pending: "yellow",
  starting: "yellow",
  running: "green",
  crashed: "red",
  restarting: "yellow",
  stopping: "yellow",
  stopped: "dim",
  failed: "red",
};

/**
 * All services as people read them. The column is called `http_port` as in the JSON.
 *
 * @param now milliseconds of the wall clock, for times that have passed
 */
export function serviceTable(services: readonly ServiceWire[], now: number): string {
  if (services.length === 0) {
    return 'No services yet. Create one: sprite-env services create web --cmd python3 --args "-m,http.server,3000"';
  }
  const header = ["name", "state", "pid", "uptime", "restarts", "http_port", "note"];
  return table(
    header,
    services.map((service) => rowOf(service, now)),
    (text, column, row) =>
      column === 1 ? paint(COLOURS[services[row]?.state.phase ?? "stopped"], text) : text,
  );
}

function rowOf({ name, http_port, state }: ServiceWire, now: number): string[] {
  const uptime =
    state.pid === undefined || !state.started_at
      ? ""
      : timeSpan(now - Date.parse(state.started_at));
  return [
    name,
    state.phase,
    String(state.pid ?? ""),
    uptime,
    String(state.restart_count ?? 0),
    String(http_port ?? ""),
    noteOf(state, now),
  ];
}

function noteOf(state: ServiceWire["state"], now: number): string {
  const next = state.next_restart_at && timeSpan(Date.parse(state.next_restart_at) - now);
  const notes = [
    ...(state.flags ?? []),
    state.error,
    state.waiting_for?.length ? `waits for ${state.waiting_for.join(", ")}` : undefined,
    next && (next === "0s" ? "next try at once" : `next try in ${next}`),
  ];
  return notes.filter(Boolean).join("; ");
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** A time for people: its two greatest units. `0s` where it lies in the past. */
export function timeSpan(ms: number): string {
  const first = UNITS.findIndex(([, unit]) => ms >= unit);
  if (first < 0) return "0s";
  let left = ms;
  const parts = UNITS.slice(first, first + 2).map(([name, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count > 0 ? `${count}${name}` : "";
  });
  return parts.join("");
}
