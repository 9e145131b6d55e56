import { timeText } from "../base/time-text.ts";
import type { ServiceStateWire } from "../api/view-schemas.ts";
import { printable } from "../base/printable.ts";
import type { ServiceThenJson, StateThen } from "../offline/state.ts";
import { paint } from "./output.ts";
import { phaseColour, serviceTable, timeSpan } from "./service-table.ts";

/** All services at a moment, as people read them. Times count back from that moment. */
export function stateTable(
  { place, sprite }: StateThen,
  services: readonly ServiceThenJson[],
): string {
  const daemon = sprite === "down" ? ", while no daemon ran" : "";
  const head = paint("dim", `After event ${place.seq}, ${timeText(place.wall)}${daemon}:`);
  if (services.length === 0) return `${head}\nThere were no services.`;
  return `${head}\n${serviceTable(services, place.wall)}`;
}

/** One service at a moment, as people read it. */
export function stateText(service: ServiceThenJson): string {
  const { name, as_of: asOf, state } = service;
  const facts = factsOf(service).filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(
    ([label, text]) => `  ${paint("dim", label.padEnd(width))}  ${printable(text)}`,
  );
  const phase = paint(phaseColour(state.phase), state.phase);
  const head = `${name} was ${phase} ${paint("dim", `after event ${asOf.seq}, ${asOf.time}`)}`;
  return [head, ...lines].join("\n");
}

function factsOf(service: ServiceThenJson): [string, string | undefined][] {
  const { state, last_event: last, as_of: asOf } = service;
  const now = Date.parse(asOf.time);
  return [
    ["desired", state.desired],
    ["process", processOf(state, now)],
    ["restarts", String(state.restart_count ?? 0)],
    ["last exit", exitOf(state.last_exit)],
    ["error", state.error],
    ["waits for", state.waiting_for?.join(", ")],
    ["next try", nextOf(state, now)],
    ["flags", state.flags?.join(", ")],
    ["definition", `version ${state.version}: ${[service.cmd, ...service.args].join(" ")}`],
    ["variables", service.env_names?.join(", ")],
    ["needs", service.needs.length > 0 ? service.needs.join(", ") : undefined],
    ["last event", last && `${last.seq} ${last.type} by ${last.actor}, ${last.time}`],
  ];
}

function processOf(
  { pid, started_at: started }: ServiceStateWire,
  now: number,
): string | undefined {
  if (pid === undefined) return undefined;
  if (started === undefined) return String(pid);
  return `${pid}, up for ${timeSpan(now - Date.parse(started))}, since ${timeText(Date.parse(started))}`;
}

function nextOf({ next_restart_at: next }: ServiceStateWire, now: number): string | undefined {
  if (next === undefined) return undefined;
  const left = timeSpan(Date.parse(next) - now);
  return left === "0s" ? "at once" : `in ${left}, at ${timeText(Date.parse(next))}`;
}

/** How a main process ended, from what the API says of it. */
export function exitOf(exit: ServiceStateWire["last_exit"]): string | undefined {
  if (!exit) return undefined;
  if (exit.spawn_error !== undefined) return `could not be started: ${exit.spawn_error}`;
  if (exit.oom) return "killed by the kernel: out of memory";
  if (exit.signal !== undefined)
    return `killed by signal ${exit.signal}${exit.core ? " (core dumped)" : ""}`;
  return exit.code === undefined ? "nobody saw how it ended" : `exited with code ${exit.code}`;
}
