import { AppError, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { unblockSignal } from "../posix/signals.ts";
import type { Config } from "../config/config.ts";
import type { Daemon } from "./start.ts";

/** These end the daemon, and begin with the main process. */
const ENDING = ["SIGTERM", "SIGINT"] as const;
/** These are for the main process alone. Those of the terminal's job control stop us, and real-time signals have no name in Node. */
const PASSED_ON = [
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGCONT",
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGXCPU",
] as const;

type PassedOn = (typeof PASSED_ON)[number];

export interface Signals {
  /** The first of those that end. */
  first: Promise<NodeJS.Signals>;
  /** Calls back at every later one, and at once where there was one. */
  onAgain(callback: () => void): void;
  /** Calls back for the others, and at once for those that came already. */
  onOther(callback: (signal: PassedOn) => void): void;
}

/** Listens for the signals from now on: one that comes during the boot is heeded after it, so that nothing is left half begun. */
export function listenForSignals(): Signals {
  const { promise: first, resolve: heard } = Promise.withResolvers<NodeJS.Signals>();
  let again: (() => void) | undefined;
  let count = 0;
  const end = (signal: NodeJS.Signals): void => {
    heard(signal);
    count += 1;
    if (count > 1) again?.();
  };
  for (const signal of ENDING) process.on(signal, end);
  const early: PassedOn[] = [];
  let pass = (signal: PassedOn): void => void early.push(signal);
  for (const signal of PASSED_ON) process.on(signal, () => pass(signal));
  for (const signal of takeEarly()) process.emit(signal, signal);
  unblockSignal("USR1"); // blocked by the flag that keeps it from opening Node's inspector
  return {
    first,
    onAgain: (callback) => {
      again = callback;
      if (count > 1) callback();
    },
    onOther: (callback) => {
      pass = callback;
      for (const signal of early.splice(0)) callback(signal);
    },
  };
}

/** What came to process 1 before: see scripts/early-signals.cjs. */
function takeEarly(): readonly NodeJS.Signals[] {
  const take = (globalThis as { [key: symbol]: unknown })[Symbol.for("sprite-env early signals")];
  return typeof take === "function" ? (take as () => NodeJS.Signals[])() : [];
}

/** Hands on what is for the main process. Without one HUP reads the configuration again, and the others mean nothing. */
export function passOn(signals: Signals, daemon: Daemon, config: Config, logger: Logger): void {
  signals.onOther((signal) => {
    if (config.main) void daemon.signalMain(signal.slice(3)).catch(failed(logger, signal));
    else if (signal === "SIGHUP") void daemon.reload("runtime").catch(failed(logger, signal));
    else logger.debug({ signal }, "there is no main process to pass it on to");
  });
}

const failed =
  (logger: Logger, signal: string) =>
  (error: unknown): void => {
    if (error instanceof AppError && error.code === "service_not_running")
      logger.debug({ signal }, "the main process does not run: it gets no signal");
    else logger.error({ signal }, messageOf(error));
  };

/**
 * Waits for the end: that of the main process, or a signal. Then ends the services, and hurries at the next signal. Resolves with what is left.
 *
 * A main process that failed ends nothing where the daemon is to stay for whoever looks.
 */
export async function ended(
  daemon: Daemon,
  signals: Signals,
  config: Config,
  logger: Logger,
): Promise<readonly string[]> {
  const over = daemon.mainEnd && mainOver(daemon.mainEnd, config.keepAliveOnError, logger);
  const signal = signals.first.then((name) => ({ name }));
  const why = await Promise.race(over ? [signal, over] : [signal]);
  const reason = typeof why === "string" ? why : why.name;
  logger.info({ reason, deadlineMs: config.shutdownTimeoutMs }, "stopping all services");
  const ending = daemon.shutdown(
    reason,
    typeof why === "string" ? undefined : why.name.slice("SIG".length),
  );
  const hurry = (): void => {
    logger.warn("told to end again: everything gets KILL now");
    ending.hurry();
  };
  signals.onAgain(hurry);
  return ending.finished;
}

/** Resolves with why, in words, when the main process has ended for good. */
async function mainOver(
  mainEnd: NonNullable<Daemon["mainEnd"]>,
  isKeptAlive: boolean,
  logger: Logger,
): Promise<string> {
  for (;;) {
    const { failure, exitCode, again } = await mainEnd();
    if (failure === undefined) return "the main process ended";
    if (!isKeptAlive) {
      logger.error({ failure, exitCode }, "the main process failed");
      return "the main process failed";
    }
    logger.error(
      { failure, exitCode },
      "the main process failed: the API stays, since keep_alive_on_error is set",
    );
    await again;
  }
}
