import { exitInWords } from "../../machines/service-context.ts";
import type { Service, ServiceState } from "../client/client.ts";
import { paint, terminalSize, type Colour } from "./output.ts";
import { table, type Fit } from "./table.ts";

/** Trouble differs from the rest by its weight, too, for whoever cannot tell red from green; the word says it anyway. */
const COLOURS: Readonly<Record<ServiceState["phase"], Colour>> = {
  pending: "yellow",
  starting: "yellow",
  running: "green",
  crashed: "alarm",
  restarting: "yellow",
  stopping: "yellow",
  stopped: "dim",
  failed: "alarm",
};

/** The colour that a state is shown in. */
export const phaseColour = (phase: ServiceState["phase"]): Colour => COLOURS[phase];

/** What a row needs of a service: a moment of the past has no more. */
type Shown = Pick<Service, "name" | "http_port" | "labels" | "state">;

export interface TableOptions {
  /** With a column of labels. */
  labels?: boolean | undefined;
  /** Nothing is cut at the edge of the terminal. */
  wide?: boolean | undefined;
}

interface Column {
  title: string;
  /** The fewest columns of the terminal that it is cut to; absent: it is never cut. */
  least?: number;
  /** Left out where all are too wide together; the lowest first. */
  spare?: number;
  cell: (service: Shown, now: number) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "name", least: 8, cell: ({ name }) => name },
  { title: "state", cell: ({ state }) => state.phase },
  { title: "uptime", spare: 4, cell: ({ state }, now) => uptimeOf(state, now) },
  { title: "restarts", spare: 3, cell: ({ state }) => String(state.restart_count ?? 0) },
  { title: "last exit", least: 9, spare: 2, cell: ({ state }) => exitWord(state.last_exit) },
  { title: "pid", spare: 1, cell: ({ state }) => String(state.pid ?? "") },
  { title: "http_port", spare: 5, cell: ({ http_port }) => String(http_port ?? "") },
];

const LABELS: Column = { title: "labels", least: 10, cell: ({ labels }) => labelsOf(labels) };
const NOTE: Column = { title: "note", least: 12, cell: ({ state }, now) => noteOf(state, now) };

/**
 * All services as people read them, no wider than the terminal. The column is called `http_port` as in the JSON.
 *
 * @param now milliseconds of the wall clock, for times that have passed
 */
export function serviceTable(
  services: readonly Shown[],
  now: number,
  { labels, wide }: TableOptions = {},
): string {
  if (services.length === 0) {
    return 'No services yet. Create one: sprite-env services create web --cmd python3 --args "-m,http.server,3000"';
  }
  const columns = [...COLUMNS, ...(labels ? [LABELS] : []), NOTE];
  return table(
    columns.map(({ title }) => title),
    services.map((service) => columns.map(({ cell }) => cell(service, now))),
    (text, column, row) =>
      columns[column]?.title === "state"
        ? paint(phaseColour(services[row]?.state.phase ?? "stopped"), text)
        : text,
    wide ? undefined : fitOf(columns),
  );
}

const fitOf = (columns: readonly Column[]): Fit => ({
  width: terminalSize().columns,
  least: columns.map(({ least }) => least),
  spare: columns
    .flatMap(({ spare }, index) => (spare === undefined ? [] : [{ spare, index }]))
    .toSorted((a, b) => a.spare - b.spare)
    .map(({ index }) => index),
});

function uptimeOf({ pid, started_at: started }: ServiceState, now: number): string {
  return pid === undefined || !started ? "" : timeSpan(now - Date.parse(started));
}

/** How its last process ended, in two words; `get` has all that is known. */
function exitWord(exit: ServiceState["last_exit"]): string {
  if (!exit) return "";
  if (exit.spawn_error !== undefined) return "not started";
  if (exit.oom) return "out of memory";
  if (exit.signal !== undefined) return `${exit.signal}${exit.core ? ", core" : ""}`;
  return exit.code === undefined ? "unknown" : `exit ${exit.code}`;
}

const labelsOf = (labels: Service["labels"]): string =>
  Object.entries(labels ?? {})
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`))
    .join(",");

function noteOf(state: ServiceState, now: number): string {
  const next = state.next_restart_at && timeSpan(Date.parse(state.next_restart_at) - now);
  const notes = [
    state.waiting_for?.length ? `waits for ${state.waiting_for.join(", ")}` : undefined,
    next && (next === "0s" ? "next try at once" : `next try in ${next}`),
    ...(state.flags ?? []),
    saysMore(state) ? state.error : undefined,
  ];
  return notes.filter(Boolean).join("; ");
}

/** The column of the last exit has the other errors. */
const saysMore = ({ error, last_exit: exit }: ServiceState): boolean =>
  !exit || exit.spawn_error !== undefined || error !== exitInWords(exit);

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
