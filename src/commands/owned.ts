import type { ServiceDefinition } from "../../machines/definition.ts";
import type { Ownership } from "../../machines/environment.ts";
import { AppError, errorAt } from "../base/errors.ts";
import type { SealedValue } from "../journal/journal.ts";
import { ENVIRONMENT, type Fact, type RuntimeView } from "../runtime/group.ts";
import { becoming, isSame, mustBeGood } from "./define.ts";
import type { EnvValues } from "./env-values.ts";
import type { RequestedDefinition } from "./ports.ts";
import { type KeptVersions } from "./rollback.ts";
import { versionsOf } from "./versions.ts";

/** A service that configuration wants. */
export interface Wanted {
  name: string;
  definition: RequestedDefinition;
  by: Ownership["by"];
}

/** What becomes of one service. */
export interface OwnedStep {
  name: string;
  /**
   * `drift`: somebody changed it by a command, and it is left so; `same`: it is as configuration wants it; `start`: the same, and it is started.
   */
  action: "create" | "change" | "delete" | "drift" | "same" | "start";
  /** Fields of its definition that differ. */
  fields: readonly string[];
  /** Whether its process is ended, and another started. */
  restarts: boolean;
  /** Whether somebody changed it by a command since configuration gave it its definition. */
  isDrifted: boolean;
}

export interface OwnedPlan {
  steps: readonly OwnedStep[];
  facts: readonly Fact[];
}

export interface OwnedPorts {
  values: EnvValues;
  versions: KeptVersions;
}

/**
 * What configuration leads to.
 *
 * At a boot a service is changed only where configuration says something else than it said last: what somebody changed or deleted by a command since then is kept so. `reload` undoes that.
 * A service that somebody stopped stays stopped; the main process is started by each boot. What configuration owned and does not want any more is deleted.
 *
 * @param sealed gets the values of `env` to store in the same transaction
 * @throws AppError where the whole is impossible: needs that are unknown or go in circles, a second HTTP port, a service in the way
 */
export function ownedPlan(
  wanted: readonly Wanted[],
  mode: "boot" | "reload",
  view: RuntimeView,
  { values, versions }: OwnedPorts,
  sealed: SealedValue[],
): OwnedPlan {
  const owned = view.environment()?.context.owned ?? {};
  const names = new Set(wanted.map(({ name }) => name));
  const gone = Object.keys(owned).filter((name) => !names.has(name) && view.service(name));
  mustNotBeNeeded(view, gone, wanted);
  const whole = viewWith(view, wanted, gone);
  const outcomes = wanted.map((one): Outcome => {
    const { name, definition, by } = one;
    mustNotBeInTheWay(view, name);
    mustFit(whole, one);
    const current = view.service(name)?.context;
    const last = lastGiven(versions, name, owned[name]);
    const kept = sealedAs(definition, current?.definition ?? last, values);
    const isGone = current === undefined && owned[name] !== undefined;
    const saysTheSame = last ? isSame(last, sealedAs(definition, last, values).definition) : isGone; // when what it said is not kept any more, a deletion stands
    const isKept = mode === "boot" && by === "file" && saysTheSame;
    if (isKept && !isSame(current?.definition, kept.definition))
      return {
        ...outcome(name, "drift", current?.definition, kept.definition),
        version: owned[name]?.version ?? 0,
        by,
      };
    const mustStart = by === "main" && mode === "boot";
    const facts = becoming(view, name, kept.definition, mustStart || current === undefined);
    if (facts.length > 0) sealed.push(...kept.sealed);
    return {
      ...decided(view, name, facts, kept.definition),
      isDrifted: isDrifted(owned[name], current),
      facts,
      by,
      version: isDefining(facts) ? view.nextVersion(name) : (current?.version ?? 1),
    };
  });
  const deletions = gone.map((name): Outcome => ({
    ...outcome(name, "delete"),
    facts: [{ stream: `service/${name}`, event: { type: "service.delete_requested" } }],
  }));
  const services = Object.fromEntries(
    outcomes.map(({ name, version, by }) => [name, { version, by }]),
  );
  const changes = [...outcomes, ...deletions].flatMap(({ facts = [] }) => facts);
  const isNoted = JSON.stringify(services) === JSON.stringify(owned);
  return {
    steps: [...outcomes, ...deletions].map(({ facts: _, version: __, by: ___, ...step }) => step),
    facts: isNoted
      ? changes
      : [...changes, { stream: ENVIRONMENT, event: { type: "config.applied", services } }],
  };
}

/** Refuses services that do not go with each other, as on a machine that has no others. @throws AppError */
export function mustGoTogether(wanted: readonly Wanted[]): void {
  const whole = viewWith(NO_OTHERS, wanted, []);
  for (const one of wanted) mustFit(whole, one);
}

const NO_OTHERS: RuntimeView = {
  environment: () => undefined,
  service: () => undefined,
  services: () => new Map(),
  components: () => [],
  nextVersion: () => 1,
  quarantined: () => undefined,
};

function mustFit(whole: RuntimeView, { name, definition, by }: Wanted): void {
  try {
    mustBeGood(whole, name, definition);
  } catch (error) {
    throw by === "file" ? errorAt(`services.${name}`, error) : error;
  }
}

interface Outcome extends OwnedStep {
  facts?: readonly Fact[];
  version?: number;
  by?: Ownership["by"];
}

const isDrifted = (
  ownership: Ownership | undefined,
  current: { version: number } | undefined,
): boolean => ownership !== undefined && ownership.version !== current?.version;

const isDefining = (facts: readonly Fact[]): boolean =>
  facts.some(({ event }) => event.type === "service.created" || event.type === "service.changed");

const UP = new Set(["starting", "running", "restarting"]);

function decided(
  view: RuntimeView,
  name: string,
  facts: readonly Fact[],
  definition: ServiceDefinition,
): OwnedStep {
  const [fact] = facts;
  const current = view.service(name);
  if (!fact) return outcome(name, "same");
  if (fact.event.type === "service.created") return outcome(name, "create");
  if (fact.event.type === "service.start_requested") return outcome(name, "start");
  return {
    ...outcome(name, "change", current?.context.definition, definition),
    restarts: UP.has(current?.phase ?? ""),
  };
}

const outcome = (
  name: string,
  action: OwnedStep["action"],
  from?: ServiceDefinition,
  to?: ServiceDefinition,
): OwnedStep => ({
  name,
  action,
  fields: from && to ? differing(from, to) : [],
  restarts: false,
  isDrifted: action === "drift",
});

function differing(from: ServiceDefinition, to: ServiceDefinition): string[] {
  const fields = new Set([...Object.keys(from), ...Object.keys(to)]) as Set<
    keyof ServiceDefinition
  >;
  return [...fields].filter(
    (field) => !isSame({ cmd: "", [field]: from[field] }, { cmd: "", [field]: to[field] }),
  );
}

/** What configuration gave a service last, where that is still kept. */
const lastGiven = (
  versions: KeptVersions,
  name: string,
  ownership: Ownership | undefined,
): ServiceDefinition | undefined =>
  ownership &&
  versionsOf(versions, name).findLast(({ version }) => version === ownership.version)?.definition;

/** A definition as the log has it. Values that `like` has under the same name keep their references. */
function sealedAs(
  { env, ...rest }: RequestedDefinition,
  like: ServiceDefinition | undefined,
  values: EnvValues,
): { definition: ServiceDefinition; sealed: SealedValue[] } {
  if (!env) return { definition: rest, sealed: [] };
  const { references, sealed } = values.seal(env, like?.env ?? {});
  return { definition: { ...rest, env: references }, sealed };
}

function mustNotBeInTheWay(view: RuntimeView, name: string): void {
  const quarantined = view.quarantined(name);
  if (quarantined !== undefined)
    throw new AppError(
      "service_quarantined",
      `service "${name}" is quarantined (${quarantined}): delete it, then it can be made anew`,
    );
  if (view.service(name)?.context.deleting)
    throw new AppError("service_deleting", `service "${name}" is being deleted: try again soon`);
}

/** What leaves the configuration may be needed by what stays. */
function mustNotBeNeeded(
  view: RuntimeView,
  gone: readonly string[],
  wanted: readonly Wanted[],
): void {
  const needs = new Map(
    [...view.services()].map(([name, { context }]) => [name, context.definition.needs ?? []]),
  );
  for (const { name, definition } of wanted) needs.set(name, definition.needs ?? []);
  for (const name of gone) {
    const dependents = [...needs].filter(
      ([other, needed]) => !gone.includes(other) && needed.includes(name),
    );
    if (dependents.length === 0) continue;
    const others = dependents.map(([other]) => other).join(", ");
    throw new AppError(
      "service_needed",
      `service "${name}" is not in the configuration any more, and ${others} needs it: take it out of the needs of ${others}, or delete those first`,
    );
  }
}

/** The services as they will be: each check of one sees the others as configuration wants them. */
function viewWith(
  view: RuntimeView,
  wanted: readonly Wanted[],
  gone: readonly string[],
): RuntimeView {
  const stateOf = ({ name, definition: { env: _, ...definition } }: Wanted) => {
    const current = view.service(name);
    return {
      phase: current?.phase ?? "pending",
      context: { ...current?.context, definition } as NonNullable<typeof current>["context"], // checks of needs and ports read no more
    };
  };
  const planned = new Map(wanted.map((one) => [one.name, stateOf(one)]));
  return {
    ...view,
    environment: () => view.environment(),
    nextVersion: (name) => view.nextVersion(name),
    quarantined: (name) => view.quarantined(name),
    service: (name) =>
      gone.includes(name) ? undefined : (planned.get(name) ?? view.service(name)),
    services: () =>
      new Map([...[...view.services()].filter(([name]) => !gone.includes(name)), ...planned]),
  };
}
