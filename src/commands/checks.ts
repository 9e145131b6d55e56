import { cycleFrom } from "../../machines/dependencies.ts";
import { resolved } from "../../machines/definition.ts";
import { accepts, needsOf } from "../../machines/policies.ts";
import { AppError } from "../base/errors.ts";
import type { RuntimeView } from "../runtime/group.ts";
import type { Caller, RequestedDefinition } from "./ports.ts";

/** Refuses what is not there, being deleted or quarantined, and everything while the daemon ends. */
export function mustTakeWishes(view: RuntimeView, name: string): void {
  mustBeOpen(view);
  const quarantined = view.quarantined(name);
  if (quarantined !== undefined) {
    const message = `service "${name}" is quarantined (${quarantined}): only delete is accepted`;
    throw new AppError("service_quarantined", message);
  }
  const service = view.service(name);
  if (!service) throw notFound(name);
  if (service.context.deleting)
    throw new AppError("service_deleting", `service "${name}" is being deleted`);
}

export const SHUTTING_DOWN = new AppError(
  "shutting_down",
  "the daemon is shutting down: try again when it is back",
);

export function mustBeOpen(view: RuntimeView): void {
  if (!accepts(view)) throw SHUTTING_DOWN;
}

export const notFound = (name: string): AppError =>
  new AppError(
    "service_not_found",
    `no service named "${name}": "services list" shows those there are`,
  );

/** Refuses a change of a definition that somebody else changed since the caller read it. */
export function mustMatch(view: RuntimeView, name: string, ifMatch: Caller["ifMatch"]): void {
  if (ifMatch === undefined) return;
  const version = view.service(name)?.context.version;
  if (version !== undefined && (ifMatch === "*" || ifMatch === version)) return;
  const is = version === undefined ? "does not exist" : `is at version ${version}`;
  throw new AppError(
    "version_conflict",
    `service "${name}" ${is}, not at ${ifMatch}: read it again, then change it`,
  );
}

/** Refuses needs that are unknown, the service's own, or lead in a circle, naming the path. */
export function mustHaveGoodNeeds(
  view: RuntimeView,
  name: string,
  definition: RequestedDefinition,
): void {
  const needs = definition.needs ?? [];
  if (needs.includes(name))
    throw refusedNeeds("service cannot depend on itself", name, [name, name]);
  for (const need of needs) {
    if (view.service(need)) continue;
    throw refusedNeeds(`dependency not found: ${need}`, name, [name, need]);
  }
  const cycle = cycleFrom(name, { ...needsOf(view), [name]: needs });
  if (cycle) throw refusedNeeds(`circular dependency detected: ${cycle.join(" -> ")}`, name, cycle);
}

const refusedNeeds = (problem: string, name: string, path: readonly string[]): AppError =>
  new AppError("invalid_request", `needs of "${name}": ${problem}`, {
    details: { field: "needs", path },
  });

/** Refuses a second HTTP port. */
export function mustBeOnlyHttpPort(
  view: RuntimeView,
  name: string,
  definition: RequestedDefinition,
): void {
  if (definition.httpPort === undefined) return;
  for (const [other, { context }] of view.services()) {
    if (other === name || context.definition.httpPort === undefined) continue;
    throw new AppError("http_port_taken", "another service already has an HTTP port configured", {
      details: { service: other },
    });
  }
}

const UP = new Set(["starting", "running", "restarting"]);

/** Names of running services that need this one directly. */
export const runningDependents = (view: RuntimeView, name: string): string[] =>
  [...view.services()]
    .filter(
      ([, { phase, context }]) =>
        UP.has(phase) && resolved(context.definition).needs.includes(name),
    )
    .map(([other]) => other);

/** Refuses fields that contradict each other. Each one alone was found right before. */
export function mustAgree(definition: RequestedDefinition): void {
  const { oneshot, ready } = definition;
  if (!oneshot || !ready) return;
  throw new AppError(
    "invalid_request",
    "ready does not go with oneshot: what needs a oneshot waits until it succeeded, so leave ready out",
    { details: { field: "ready", allowed: "nothing, with oneshot" } },
  );
}
