import { resolved } from "../../machines/definition.ts";
import { machines, type StreamKind } from "../../machines/index.ts";
import type { componentEffects } from "../../machines/component-setup.ts";
import type { serviceEffects } from "../../machines/service-setup.ts";
import type { ProbeRunner, ProcessRunner, TimerRunner } from "./ports.ts";

/** Everything that can be done about a machine's wish. */
export interface Runners {
  processes: ProcessRunner;
  timers: TimerRunner;
  probes: ProbeRunner;
}

type Implementations<Kind extends StreamKind> = NonNullable<
  Parameters<(typeof machines)[Kind]["machine"]["provide"]>[0]["actions"]
>;

const streamOf = ({ self }: { self: { id: string } }): string => self.id;

/** Effect name → runner, all of them: a new effect does not compile until somebody runs it. The actor's id is its stream. */
const runnersOfService = (runners: Runners) =>
  ({
    spawnProcess: (info, { incarnation, definition }) =>
      runners.processes.spawn({
        stream: streamOf(info),
        incarnation,
        definition: resolved(definition),
      }),
    stopIncarnation: (info, { definition, ...params }) =>
      runners.processes.stop({
        stream: streamOf(info),
        ...params,
        ...(definition && { definition: resolved(definition) }),
      }),
    emptyIncarnation: (info, params) =>
      runners.processes.empty({ stream: streamOf(info), ...params }),
    watchUnproven: (info, params) => runners.processes.watch({ stream: streamOf(info), ...params }),
    signalProcess: (info, params) =>
      runners.processes.signal({ stream: streamOf(info), ...params }),
    armTimer: (info, params) => runners.timers.arm({ stream: streamOf(info), ...params }),
    startHealth: (info, { incarnation, health }) => {
      if (health) runners.probes.startHealth({ stream: streamOf(info), incarnation, ...health });
    },
    startReadiness: (info, { incarnation, readiness }) => {
      if (readiness)
        runners.probes.startReadiness({ stream: streamOf(info), incarnation, readiness });
    },
    stopProbes: (_, params) => runners.probes.stop(params),
  }) satisfies Pick<Required<Implementations<"service">>, keyof typeof serviceEffects>;

/** A component's effects are a service's; what its start leaves behind goes on. */
const runnersOfComponent = ({ processes, probes, timers }: Runners) =>
  ({
    spawnProcess: (info, { incarnation, definition }) =>
      processes.spawn({
        stream: streamOf(info),
        incarnation,
        definition: resolved(definition),
        keepsOrphans: true,
      }),
    stopIncarnation: (info, params) => processes.stop({ stream: streamOf(info), ...params }),
    emptyIncarnation: (info, params) => processes.empty({ stream: streamOf(info), ...params }),
    watchUnproven: (info, params) => processes.watch({ stream: streamOf(info), ...params }),
    armTimer: (info, params) => timers.arm({ stream: streamOf(info), ...params }),
    startReadiness: (info, { incarnation, readiness }) => {
      if (readiness) probes.startReadiness({ stream: streamOf(info), incarnation, readiness });
    },
    stopProbes: (_, params) => probes.stop(params),
  }) satisfies Pick<Required<Implementations<"component">>, keyof typeof componentEffects>;

/** The machines with their effects bound to runners: what the actors are made of. */
export function boundMachines(runners: Runners) {
  return {
    service: machines.service.machine.provide({ actions: runnersOfService(runners) }),
    component: machines.component.machine.provide({ actions: runnersOfComponent(runners) }),
    environment: machines.environment.machine,
  };
}
