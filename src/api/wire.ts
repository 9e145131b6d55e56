import type { Phase, ServiceView } from "../commands/ports.ts";
import { definitionWire } from "./definition-wire.ts";
import type { ServiceStateWire, ServiceWire } from "./view-schemas.ts";

/** The wire's word for each phase of the machine. */
export const STATUS_OF_PHASE = {
  pending: "starting",
  starting: "starting",
  running: "running",
  crashed: "starting",
  restarting: "stopping",
  stopping: "stopping",
  stopped: "stopped",
  failed: "failed",
} as const satisfies Record<Phase, ServiceStateWire["status"]>;

/** RFC 3339 with nine fraction digits, as Go prints a time with nanoseconds. */
export const nanoTime = (ms: number): string =>
  new Date(ms).toISOString().replace(/(\.\d{3})Z$/, "$1000000Z");

/** How a main process ended; where nobody saw it, that is said. */
export function exitWire(
  exit: NonNullable<ServiceView["lastExit"]>,
): NonNullable<ServiceStateWire["last_exit"]> {
  const { code, signal, core, oom, spawnError } = exit;
  const known = {
    ...(code !== undefined && { code }),
    ...(signal !== undefined && { signal }),
    ...(core && { core }),
    ...(oom && { oom }),
    ...(spawnError !== undefined && { spawn_error: spawnError }),
  };
  return Object.keys(known).length > 0 ? known : { unknown: true };
}

/** Keys in the order in which the official documentation shows them, then ours; empty ones are left out. */
const stateWire = (view: ServiceView): ServiceStateWire => ({
  name: view.name,
  status: STATUS_OF_PHASE[view.phase],
  ...(view.pid !== undefined && { pid: view.pid }),
  ...(view.startedAt !== undefined && { started_at: nanoTime(view.startedAt) }),
  ...(view.error && { error: view.error }),
  ...(view.restartCount > 0 && { restart_count: view.restartCount }),
  ...(view.nextRestartAt !== undefined && { next_restart_at: nanoTime(view.nextRestartAt) }),
  phase: view.phase,
  desired: view.desired,
  ...(view.flags.length > 0 && { flags: [...view.flags] }),
  ...(view.waitingFor.length > 0 && { waiting_for: [...view.waitingFor] }),
  ...(view.lastExit && { last_exit: exitWire(view.lastExit) }),
  version: view.version,
});

/** Values of `env` where they may be seen, else the names alone; nothing where there are none. */
function envWire(view: ServiceView, showValues: boolean): Pick<ServiceWire, "env" | "env_names"> {
  const names = Object.keys(view.definition.env ?? {});
  if (names.length === 0) return {};
  return showValues && view.envValues ? { env: { ...view.envValues } } : { env_names: names };
}

function serviceWire(view: ServiceView, showValues: boolean): ServiceWire {
  const { cmd, args } = view.definition;
  return {
    name: view.name,
    cmd,
    args: [...(args ?? [])],
    ...envWire(view, showValues),
    ...definitionWire(view.definition),
    state: stateWire(view),
  };
}

/** One service as GET shows it: with the values of `env` where the caller was given them. */
export const oneService = (view: ServiceView): ServiceWire => serviceWire(view, true);

/** Services in a list: names of `env` alone, whoever asks. */
export const listedServices = (views: readonly ServiceView[]): ServiceWire[] =>
  views.map((view) => serviceWire(view, false));
