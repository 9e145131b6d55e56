import { resolved } from "./definition.ts";
import { dependentsOf, type Needs } from "./dependencies.ts";
import type { ComponentFact } from "./component-events.ts";
import type { ComponentContext } from "./component-setup.ts";
import type { EnvironmentContext, EnvironmentFact } from "./environment.ts";
import { isUp, type ServiceContext } from "./service-context.ts";
import type { ServiceFact } from "./service-events.ts";

/** So many spawns are asked for at once; the rest wait in `pending`. */
const SPAWNS_AT_ONCE = 64;

export interface ServiceState {
  phase: string;
  context: ServiceContext;
}

export interface ComponentState {
  phase: string;
  context: ComponentContext;
}

/** The actors as they are after the event, what is not committed yet included. Read only. */
export interface View {
  environment(): { phase: string; context: EnvironmentContext } | undefined;
  service(name: string): ServiceState | undefined;
  /** All that are not deleted, by name, in the order of their names. */
  services(): Iterable<readonly [string, ServiceState]>;
  /** All that configuration has, in the order in which they start. */
  components(): Iterable<readonly [string, ComponentState]>;
}

/** A row, as a policy sees it. */
export type Row =
  | {
      kind: "component";
      name: string;
      from: string | undefined;
      to: string;
      event: ComponentFact;
    }
  | { kind: "service"; name: string; from: string | undefined; to: string; event: ServiceFact }
  | {
      kind: "environment";
      name: string;
      from: string | undefined;
      to: string;
      event: EnvironmentFact;
    };

/** A fact without what `dispatch` draws for it: ids, the boot and jitter. */
type Undrawn<F> = F extends { type: "process.spawn_requested" }
  ? { type: "process.spawn_requested" }
  : F extends unknown
    ? Omit<F, "jitter">
    : never;

type Consequence =
  | { kind: "component"; name: string; event: Undrawn<ComponentFact> }
  | { kind: "service"; name: string; event: Undrawn<ServiceFact> }
  | { kind: "environment"; event: EnvironmentFact };

/** "When this is recorded there, this follows here." Pure; asked once, live, in the transaction of its cause. */
type Policy = (row: Row, view: View) => readonly Consequence[];

const DOWN = new Set(["stopped", "failed"]);
const ENDED = new Set([...DOWN, "deleted", "removed"]);

/** The needs of a service that are not up yet, in the order of its definition. */
export const waitingFor = (context: ServiceContext, view: Pick<View, "service">): string[] =>
  resolved(context.definition).needs.filter((need) => {
    const other = view.service(need);
    return !other || !isUp(other.phase, other.context);
  });

/** Components that are not ready, in their order: no service starts meanwhile. */
export const unready = (view: Pick<View, "components">): string[] =>
  [...view.components()].filter(([, { phase }]) => phase !== "ready").map(([name]) => name);

/** Whether the sprite starts services: it does not while it ends. */
export const accepts = (view: View): boolean => {
  const phase = view.environment()?.phase;
  return phase === "booting" || phase === "ready";
};

const spawnInFlight = ({ context }: ServiceState): boolean =>
  context.open !== undefined &&
  context.open.pid === undefined &&
  !context.open.exited &&
  context.unprovenPid === undefined;

const freeSlots = (view: View): number => {
  let free = SPAWNS_AT_ONCE;
  for (const [, state] of view.services()) if (spawnInFlight(state)) free -= 1;
  return free;
};

const mayStart = (state: ServiceState, view: View): boolean =>
  state.phase === "pending" &&
  state.context.open === undefined &&
  unready(view).length === 0 &&
  waitingFor(state.context, view).length === 0;

const spawn = (name: string): Consequence => ({
  kind: "service",
  name,
  event: { type: "process.spawn_requested" },
});

/** What became pending starts at once where nothing is missing. */
const startWhenReady: Policy = (row, view) => {
  if (row.kind !== "service" || row.to !== "pending" || !accepts(view)) return [];
  const state = view.service(row.name);
  return state && mayStart(state, view) && freeSlots(view) > 0 ? [spawn(row.name)] : [];
};

/** After these a spawn is not in flight any more. */
const FREES = new Set(["process.spawned", "process.spawn_failed", "process.lost"]);

/** The first component that is not ready starts, where it waits: each after those before it. */
const startComponents: Policy = (row, view) => {
  if (row.kind !== "component" || row.from === row.to || !accepts(view)) return [];
  const [next] = [...view.components()].filter(([, { phase }]) => phase !== "ready");
  if (!next) return [];
  const [name, { phase, context }] = next;
  if (phase !== "pending" || context.open !== undefined) return [];
  return [{ kind: "component", name, event: { type: "process.spawn_requested" } }];
};

/** Something that others may have waited for came up, or a slot is free. */
function frees(row: Row, view: View): boolean {
  if (row.kind === "component") return row.from !== row.to && row.to === "ready";
  if (row.kind !== "service") return false;
  const state = view.service(row.name);
  const cameUp = state !== undefined && row.from !== row.to && isUp(row.to, state.context);
  return cameUp || FREES.has(row.event.type);
}

/** What waited for this one, or for a free slot, starts. */
const startWaiting: Policy = (row, view) => {
  if (!accepts(view) || !frees(row, view)) return [];
  const ready = [...view.services()]
    .filter(
      ([name, other]) => (row.kind !== "service" || name !== row.name) && mayStart(other, view),
    )
    .map(([name]) => name);
  return ready.slice(0, Math.max(0, freeSlots(view))).map(spawn);
};

const STARTS = new Set([
  "service.created",
  "service.start_requested",
  "service.restart_requested",
  "service.changed",
]);

/** Going to try by itself, once its own needs are up. */
const WILL_TRY = new Set(["pending", "crashed", "restarting"]);

/** Needs that are down and start only by a command; behind one that waits itself, those it waits for. */
function downNeeds(context: ServiceContext, view: View): string[] {
  const found = new Set<string>();
  const visited = new Set<string>();
  const visit = (waiting: ServiceContext): void => {
    for (const need of waitingFor(waiting, view)) {
      const other = view.service(need);
      if (!other || visited.has(need)) continue;
      visited.add(need);
      if (DOWN.has(other.phase) || other.phase === "stopping") found.add(need);
      else if (WILL_TRY.has(other.phase)) visit(other.context);
    }
  };
  visit(context);
  return [...found];
}

/** A command to start starts stopped needs too, as their cause; a boot or a retry leaves them alone. */
const startNeeds: Policy = (row, view) => {
  if (row.kind !== "service" || !STARTS.has(row.event.type)) return [];
  if (row.to !== "pending" && row.to !== "restarting") return [];
  const state = view.service(row.name);
  return (state ? downNeeds(state.context, view) : []).map((name) => ({
    kind: "service",
    name,
    event: { type: "service.start_requested" },
  }));
};

/** A boot that found nothing of an open incarnation: it was lost while nobody looked, and is empty. */
const closeLost: Policy = (row, view) => {
  if (
    row.kind === "environment" ||
    row.event.type !== "environment.booted" ||
    row.event.found.kind !== "none"
  )
    return [];
  const { kind, name } = row;
  const open = stateOf(row, view)?.context.open;
  if (!open) return [];
  const emptied: Consequence = {
    kind,
    name,
    event: { type: "incarnation.emptied", incarnation: open.id },
  };
  if (open.exited) return [emptied];
  return [{ kind, name, event: { type: "process.lost", incarnation: open.id } }, emptied];
};

const stateOf = ({ kind, name }: Row, view: View): ServiceState | ComponentState | undefined =>
  kind === "component"
    ? [...view.components()].find(([one]) => one === name)?.[1]
    : view.service(name);

const isLive = (state: ServiceState | undefined): boolean =>
  state !== undefined && !DOWN.has(state.phase);

/** What every service needs, by name. */
export const needsOf = (view: View): Needs =>
  Object.fromEntries(
    [...view.services()].map(([name, { context }]) => [name, resolved(context.definition).needs]),
  );

/** A shutdown stops the main process first, then what nobody needs any more, then what those needed, until nothing is left. */
const drain: Policy = (row, view) => {
  const environment = view.environment();
  if (environment?.phase !== "draining") return [];
  const begins = row.kind === "environment" && row.event.type === "environment.drain_requested";
  const ends = row.kind !== "environment" && row.from !== row.to && ENDED.has(row.to);
  if (!begins && !ends) return [];
  // What nothing proves ours cannot be ended: it is not waited for, and looked at again by the next boot.
  const live = [...view.services()].filter(
    ([, state]) => isLive(state) && state.context.unprovenPid === undefined,
  );
  if (live.length === 0) return drainComponents(environment.context.deadlineMs, view);
  const { first, signal } = environment.context.drain ?? {};
  const before = live.filter(([name]) => name === first);
  const needs = needsOf(view);
  return (before.length > 0 ? before : live)
    .filter(([, { phase }]) => phase !== "stopping")
    .filter(
      ([name]) =>
        name === first || !dependentsOf(name, needs).some((other) => isLive(view.service(other))),
    )
    .map(([name, { context }]) => ({
      kind: "service",
      name,
      event: {
        type: "service.drain_requested",
        timeoutMs: Math.min(
          resolved(context.definition).stopTimeoutMs,
          environment.context.deadlineMs ?? Infinity,
        ),
        ...(name === first && signal !== undefined && { signal }),
      },
    }));
};

/** When no service is left the components end, the last one first, one after the other. */
function drainComponents(deadlineMs: number | undefined, view: View): Consequence[] {
  const last = [...view.components()].findLast(
    ([, { phase, context }]) => phase !== "stopped" && context.unprovenPid === undefined,
  );
  if (!last) return [{ kind: "environment", event: { type: "environment.drained", left: [] } }];
  const [name, { phase, context }] = last;
  if (phase === "draining") return [];
  const timeoutMs = Math.min(resolved(context.definition).stopTimeoutMs, deadlineMs ?? Infinity);
  return [{ kind: "component", name, event: { type: "component.drain_requested", timeoutMs } }];
}

/** All of them, asked in this order. */
export const policies: readonly Policy[] = [
  closeLost,
  startComponents,
  startNeeds,
  startWhenReady,
  startWaiting,
  drain,
];
