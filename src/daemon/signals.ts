import type { Logger } from "../base/logger.ts";
import type { Config } from "../config/schema.ts";
import type { Daemon } from "./start.ts";

/** Listens for the signals from now on: one that comes during the boot is heeded after it, so that nothing is left half begun. */
export function listenForSignals(logger: Logger) {
  const { promise: first, resolve: heard } = Promise.withResolvers<NodeJS.Signals>();
  let again: (() => void) | undefined;
  let count = 0;
  const end = (signal: NodeJS.Signals): void => {
    heard(signal);
    count += 1;
    if (count > 1) again?.();
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("SIGHUP", () =>
    logger.warn("HUP: this release does not read its configuration again; start it anew"),
  );
  return {
    first,
    /** Calls back at every later one, and at once where there was one. */
    onAgain: (callback: () => void) => {
      again = callback;
      if (count > 1) callback();
    },
  };
}

/** Waits for the signal to end, ends the services, and hurries at the next one. Resolves with what is left. */
export async function ended(
  daemon: Daemon,
  signals: ReturnType<typeof listenForSignals>,
  config: Config,
  logger: Logger,
): Promise<readonly string[]> {
  const signal = await signals.first;
  logger.info({ signal, deadlineMs: config.shutdownTimeoutMs }, "stopping all services");
  const ending = daemon.shutdown(signal);
  signals.onAgain(() => {
    logger.warn("told to end again: everything gets KILL now");
    ending.hurry();
  });
  return ending.finished;
}
