import { systemClock } from "../src/base/clock.ts";
import { randomIds } from "../src/base/ids.ts";
import type { Journal } from "../src/journal/journal.ts";
import { GENESIS } from "../src/journal/record.ts";
import { boot } from "../src/runtime/boot.ts";
import { Dispatcher } from "../src/runtime/dispatch.ts";
import { boundMachines } from "../src/runtime/effects.ts";
import { ENVIRONMENT } from "../src/runtime/group.ts";
import type { ProcessRunner } from "../src/runtime/ports.ts";
import { Registry } from "../src/runtime/registry.ts";
import { Fold } from "../src/runtime/replay.ts";

/** Processes without a kernel: each is spawned as soon as it is asked for, and never ends. */
const obedient = (report: Dispatcher["report"]): ProcessRunner => {
  let pid = 1_000;
  return {
    spawn: ({ stream, incarnation }) => {
      const process = { pid: (pid += 1), startTime: `${pid}`, wall: Date.now() };
      setImmediate(report, stream, [{ type: "process.spawned", incarnation, ...process }]);
    },
    stop: () => {},
    empty: () => {},
    signal: () => {},
    watch: () => {},
    look: async () => new Map(),
  };
};

const nothing = () => {};

/** The daemon's runtime on an empty log, without API, processes and timers. */
export async function startRuntime(journal: Journal): Promise<Dispatcher> {
  const processes = obedient((...report) => dispatcher.report(...report));
  const registry = new Registry({
    machines: boundMachines({
      processes,
      timers: { arm: nothing },
      probes: { startHealth: nothing, startReadiness: nothing, stop: nothing },
    }),
    onEffectFailed: (stream, effect, error) => {
      throw new Error(`${stream}: ${effect} failed`, { cause: error });
    },
  });
  const dispatcher: Dispatcher = new Dispatcher(registry, {
    clock: systemClock(() => performance.now(), 0),
    ids: randomIds,
    random: Math.random,
    bootId: randomIds.boot(),
    head: { seq: 0, hash: GENESIS },
    journal,
    later: (ms, callback) => void setTimeout(callback, ms),
    onSkipped: nothing,
    onError: (message, error) => {
      throw new Error(message, { cause: error });
    },
  });
  const facts = { machineBoot: "bench/1", pid: process.pid, release: "0.0.0", logDir: "/" };
  await boot(new Fold(registry.machines), registry, dispatcher, processes, facts);
  await dispatcher.command({
    actor: "runtime",
    decide: () => [{ stream: ENVIRONMENT, event: { type: "environment.ready_reached" } }],
  });
  return dispatcher;
}
