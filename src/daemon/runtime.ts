import { join } from "node:path";
import { resolved } from "../../machines/definition.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { messageOf } from "../base/errors.ts";
import { randomIds } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Config } from "../config/config.ts";
import { fromDaemon } from "../effects/environment.ts";
import { keepSoftNofile } from "../effects/nofile.ts";
import { createProbes } from "../effects/probes.ts";
import { createProcessRunner } from "../effects/process.ts";
import { createSigns } from "../effects/signs.ts";
import { createSurroundings } from "../effects/surroundings.ts";
import { createTimers } from "../effects/timers.ts";
import { ownIds } from "../effects/user.ts";
import { createChildren } from "../pid1/children.ts";
import { adoptOrphans } from "../pid1/subreaper.ts";
import { Dispatcher, inWords } from "../runtime/dispatch.ts";
import { boundMachines } from "../runtime/effects.ts";
import type { Fact } from "../runtime/group.ts";
import { endedStreams, statesAt } from "../runtime/past.ts";
import { Registry, type RegistryOptions } from "../runtime/registry.ts";
import { after } from "./after.ts";
import type { Store } from "./open-store.ts";

/** The actors, folded from the log, with the runners that do what they ask for. Nothing has been decided yet. */
export function startRuntime(
  config: Config,
  logger: Logger,
  { clock, head, journal, logs, reader, readOnly, values }: Store,
  inspect?: RegistryOptions["inspect"],
) {
  const adopts = adoptOrphans(config.reaper);
  logger.debug(
    { pid1: process.pid === 1 },
    adopts ? "orphans come to us, and are reaped" : "orphans are left to the init program above us",
  );
  const children = createChildren({
    adopts,
    onReaped: (pid, name, status) =>
      logger.debug({ orphan: pid, name, ...status }, "an orphan was reaped"),
  });
  const report = (stream: string, facts: readonly Fact["event"][]): void =>
    dispatcher.report(stream, facts);
  const signs = createSigns({ runDir: join(config.stateDir, "run"), logger });
  const nofile = keepSoftNofile(process.env);
  const surroundings = createSurroundings({
    openEnv: (references) => fromDaemon(values.open(references), process.env),
    baseEnv: process.env,
    own: ownIds(),
    config,
  });
  const processes = createProcessRunner({
    report,
    logs,
    children,
    signs,
    surroundings,
    wall: clock.wall,
    logger,
    config: { nofile },
  });
  const probes = createProbes({
    report,
    children,
    signs,
    nofile,
    surroundings: ({ stream, incarnation }) => {
      const context = registry.get(stream)?.snapshot.context as ServiceContext | undefined; // a component's has a definition, too
      return surroundings.of(incarnation, resolved(context?.definition ?? { cmd: "" }));
    },
  });
  const timers = createTimers({
    clock,
    fire: (stream, fired) => report(stream, [{ type: "timer.fired", ...fired }]),
  });
  const registry = new Registry({
    machines: boundMachines({ processes, timers, probes }),
    ended: endedStreams(reader),
    ...(inspect && { inspect }),
    onEffectFailed: (stream, effect, error) =>
      logger.error({ stream, effect }, `a runner threw: ${messageOf(error)}`),
  });
  const fold = statesAt(reader, head.seq, {
    bound: registry.machines,
    onUnfit: ({ stream, version }, reason) =>
      logger.warn(
        { stream, version },
        `a snapshot is passed over: ${reason}. What is before it is folded instead`,
      ),
  });
  registry.restore(fold);
  const dispatcher: Dispatcher = new Dispatcher(registry, {
    clock,
    ids: randomIds,
    random: Math.random,
    bootId: randomIds.boot(),
    head,
    journal,
    ...(readOnly && { readOnly }),
    later: after,
    onSkipped: ({ stream, event }, reason) => logger.debug({ stream, event: event.type }, reason),
    onError: (message, error) => logger.error(`${message}: ${inWords(error)}`),
  });
  return { children, dispatcher, fold, nofile, processes, registry };
}

/** What decides and what does. */
export type Runtime = ReturnType<typeof startRuntime>;
