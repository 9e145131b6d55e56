import type { Found } from "../../machines/service-events.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { SealedValue } from "../journal/journal.ts";
import { kindOf } from "../journal/record.ts";
import type { Dispatcher } from "./dispatch.ts";
import { ENVIRONMENT, type Fact, type RuntimeView } from "./group.ts";
import type { OpenIncarnation, ProcessRunner } from "./ports.ts";
import type { Registry } from "./registry.ts";
import type { Fold, Mismatch } from "./replay.ts";

interface BootFacts {
  /** Kernel boot and PID namespace. */
  machineBoot: string;
  pid: number;
  release: string;
  /** Where the logs of services are written: who reads the past without a daemon finds them by it. */
  logDir: string;
}

export interface BootReport {
  /** Whether the daemon before this one was killed. */
  afterKill: boolean;
  quarantined: readonly Mismatch[];
  /** Services whose old process nothing proves to be ours. */
  unproven: readonly { service: string; pid: number }[];
}

/** What configuration wants of services, decided in the same group: nothing starts as it was before. */
export interface Configured {
  facts: (view: RuntimeView) => readonly Fact[];
  /** Filled while `facts` decides. */
  sealed: readonly SealedValue[];
}

const NOTHING: Configured = { facts: () => [], sealed: [] };

/** What a service's context says is open: what a daemon has to look for. */
export function openOf(stream: string, { open }: Pick<ServiceContext, "open">): OpenIncarnation[] {
  if (!open) return [];
  const { id: incarnation, pid, startTime, exited, machineBoot } = open;
  const process = {
    ...(pid !== undefined && { pid }),
    ...(startTime !== undefined && { startTime }),
  };
  return [{ stream, incarnation, exited, machineBoot, ...process }];
}

/** Incarnations that the log leaves open: what may be running from an earlier life. */
export const openIncarnations = (registry: Registry): OpenIncarnation[] =>
  registry
    .streams()
    .filter(hasProcesses)
    .flatMap((stream) => openOf(stream, registry.get(stream)?.snapshot.context as ServiceContext));

const hasProcesses = (stream: string): boolean =>
  kindOf(stream) === "service" || kindOf(stream) === "component";

/**
 * Begins a boot on a folded log: looks for what an earlier daemon left, then records what was found as one group. What to start, to fence or to
 * leave alone is the machines' and policies' answer to that, and logged like any other.
 *
 * @param fold the whole log; its actors are alive in `registry` already
 */
export async function boot(
  fold: Fold,
  registry: Registry,
  dispatcher: Dispatcher,
  processes: ProcessRunner,
  facts: BootFacts,
  configured: Configured = NOTHING,
): Promise<BootReport> {
  const open = openIncarnations(registry);
  const found = await processes.look(open);
  const before = dispatcher.view.environment();
  const newMachineBoot = before?.context.machineBoot !== facts.machineBoot;
  const foundOf = (stream: string): Found => {
    const one = open.find((incarnation) => incarnation.stream === stream);
    return (one && found.get(one.incarnation)) ?? { kind: "none" };
  };
  const count = (kind: Found["kind"]) =>
    [...found.values()].filter((one) => one.kind === kind).length;
  const booted = {
    type: "environment.booted",
    ...facts,
    found: { open: open.length, proven: count("proven"), unproven: count("unproven") },
  };
  const known = before?.context.quarantined ?? {};
  const mismatches = [...fold.mismatches.values()];
  const decision: Fact[] = [
    ...(before
      ? []
      : [{ stream: ENVIRONMENT, event: { type: "environment.created", name: "sprite" } }]),
    { stream: ENVIRONMENT, event: booted },
    ...mismatches
      .filter(({ stream }) => known[stream] === undefined)
      .map(({ stream, seq, reason }) => ({
        stream: ENVIRONMENT,
        event: { type: "stream.quarantined", stream, reason: `event ${seq}: ${reason}` },
      })),
    ...registry
      .streams()
      .filter((stream) => hasProcesses(stream) && known[stream] === undefined)
      .map((stream) => ({
        stream,
        event: { type: "environment.booted", found: foundOf(stream), newMachineBoot },
      })),
  ];
  await dispatcher.command({
    actor: "runtime",
    decide: (view) => [...decision, ...configured.facts(view)],
    sealed: configured.sealed,
  });
  return {
    afterKill: before !== undefined && before.phase !== "down",
    quarantined: mismatches,
    unproven: open.flatMap(({ stream, incarnation }) => {
      const one = found.get(incarnation);
      return one?.kind === "unproven"
        ? [{ service: stream.slice("service/".length), pid: one.pid }]
        : [];
    }),
  };
}
