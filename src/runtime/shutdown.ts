import { resolved } from "../../machines/definition.ts";
import type { Dispatcher } from "./dispatch.ts";
import { ENVIRONMENT } from "./group.ts";
import type { ProcessRunner } from "./ports.ts";

/** How long, after everything got KILL, its end is waited for, in milliseconds. */
const AFTER_KILL_MS = 2_000;

/** An orderly end: services stop against their dependency order, and go on wishing to run. */
export interface Shutdown {
  /** Resolves with the names of what could not be ended. Never rejects. */
  finished: Promise<readonly string[]>;
  /** No more patience: KILL to everything now. */
  hurry(): void;
}

/**
 * Stops all services within a deadline: those nobody needs first, then what they needed. At the deadline all that is left gets KILL.
 *
 * @param deadlineMs for all of them together
 */
export function shutdown(
  dispatcher: Dispatcher,
  processes: ProcessRunner,
  options: {
    reason: string;
    deadlineMs: number;
    /** A service that ends before the others, and what it gets in the place of its stop signal. */
    first?: { name: string; signal?: string };
    later: (ms: number, callback: () => void) => void;
  },
): Shutdown {
  const { promise: isDown, resolve: down } = Promise.withResolvers<void>();
  const { promise: isLate, resolve: late } = Promise.withResolvers<void>();
  const unlisten = dispatcher.listen((rows) => {
    if (rows.some(({ stream, toState }) => stream === ENVIRONMENT && toState === "down")) down();
  });
  const live = () =>
    [
      ...[...dispatcher.view.services()].map(([name, state]) => ["service", name, state] as const),
      ...[...dispatcher.view.components()].map(
        ([name, state]) => ["component", name, state] as const,
      ),
    ].filter(([, , { context }]) => context.open);
  const killAll = () => {
    for (const [kind, name, { context }] of live()) {
      const { stopSignal: signal } = resolved(context.definition);
      processes.stop({
        stream: `${kind}/${name}`,
        incarnation: context.open?.id ?? "",
        signal,
        timeoutMs: 0,
      });
    }
  };
  const run = async (): Promise<readonly string[]> => {
    const { reason, deadlineMs, first } = options;
    const event = {
      type: "environment.drain_requested",
      reason,
      deadlineMs,
      ...(first && { first: first.name }),
      ...(first?.signal !== undefined && { signal: first.signal }),
    };
    // A store that takes no row must not keep us here: the deadline ends the services all the same.
    const recorded = dispatcher
      .command({ actor: "runtime", decide: () => [{ stream: ENVIRONMENT, event }] })
      .catch(() => {});
    options.later(deadlineMs, late);
    await Promise.race([recorded.then(() => isDown), isLate]);
    if (dispatcher.view.environment()?.phase === "down") return [];
    killAll();
    options.later(AFTER_KILL_MS, down);
    await isDown;
    const left = live().map(([, name]) => name);
    if (dispatcher.view.environment()?.phase === "draining") {
      const drained = { type: "environment.drained", left };
      await dispatcher
        .command({ actor: "runtime", decide: () => [{ stream: ENVIRONMENT, event: drained }] })
        .catch(() => {});
    }
    return left;
  };
  return { finished: run().finally(unlisten), hurry: late };
}
