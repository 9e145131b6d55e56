import { chmodSync } from "node:fs";
import { ensureDirectory } from "../base/directories.ts";
import { AppError, messageOf } from "../base/errors.ts";
import { prepareLogDirectory, reasonOf } from "./directory.ts";
import { createListeners } from "./listeners.ts";
import type { LogIncident, ReportIncident } from "./log-file.ts";
import type { EndOfOutput, LogOptions, LogRequest } from "./messages.ts";
import type { Awaited, ServiceLogs } from "./ports.ts";
import { currentFile } from "./segments.ts";
import { startThread } from "./thread.ts";

export interface ServiceLogsOptions extends LogOptions {
  /** What happened to logs that somebody should know of. Must not throw. */
  onEvent?: ReportIncident;
}

/** The port, and what only the daemon's own parts need. */
export interface StartedServiceLogs extends ServiceLogs {
  readonly logDir: string;
  /**
   * The position after the last byte of a service's log (segments.ts). Lines that `follow` gave out before
   * this answer came stand before it, later ones at it or behind it.
   */
  position(service: string): Promise<number>;
  /** Removes pipes that earlier daemons left in the run directory, but for those of these incarnations. */
  discard(keep: readonly string[]): Promise<void>;
}

/**
 * Starts the thread that reads all services' output, and checks that logs can be written.
 * @throws AppError `log_directory_unusable`
 */
export async function startServiceLogs({
  onEvent = () => {},
  ...options
}: ServiceLogsOptions): Promise<StartedServiceLogs> {
  const { logDir, runDir } = options;
  prepareLogDirectory(logDir, options.dirMode);
  prepareRunDirectory(runDir);
  /** Incarnations whose pipes are open, and whose they are. */
  const services = new Map<string, string>();
  /** What is searched for in their lines and was not found yet. */
  const awaited = new Map<string, Awaited>();
  const requestOf = (type: "open" | "reopen", service: string, incarnation: string): LogRequest => {
    const awaits = awaited.get(incarnation)?.text;
    return { type, service, incarnation, ...(awaits !== undefined && { awaits }) };
  };
  const seen = (incarnation: string): void => {
    const found = awaited.get(incarnation);
    awaited.delete(incarnation);
    found?.seen();
  };
  const listeners = createListeners((message) => thread.tell(message));

  const reopenAll = (): void => {
    listeners.followAgain();
    for (const [incarnation, service] of services) {
      thread
        .ask(requestOf("reopen", service, incarnation))
        .catch((error: unknown) =>
          onEvent(trouble(service, `its output could not be read on: ${messageOf(error)}`)),
        );
    }
  };
  const thread = await startThread(options, {
    message: (message) => {
      if (message.type === "incident") onEvent(message.incident);
      else if (message.type === "seen") seen(message.incarnation);
      else listeners.received(message);
    },
    ended: (reason) => onEvent(trouble("", `the log thread ended and is started again: ${reason}`)),
    startedAgain: reopenAll,
  });

  return {
    logDir,
    open: async (service, incarnation, text) => {
      services.set(incarnation, service);
      if (text) awaited.set(incarnation, text);
      try {
        const opened = await thread.ask(requestOf("open", service, incarnation));
        return opened as { stdout: string; stderr: string; offset: number }; // worker.ts, open
      } catch (error) {
        services.delete(incarnation);
        awaited.delete(incarnation);
        throw error;
      }
    },
    reopen: async (service, incarnation) => {
      services.set(incarnation, service);
      await thread.ask(requestOf("reopen", service, incarnation));
    },
    finish: async (incarnation, drainMs) => {
      const service = services.get(incarnation);
      if (service === undefined) throw notCaptured(incarnation);
      const ended = await thread.ask({ type: "finish", service, incarnation, drainMs });
      services.delete(incarnation);
      awaited.delete(incarnation);
      return ended as EndOfOutput; // worker.ts, finish
    },
    note: async (service, text) => void (await thread.ask({ type: "note", service, text })),
    follow: listeners.follow,
    fileOf: (service) => currentFile(logDir, service),
    position: async (service) => (await thread.ask({ type: "position", service })) as number, // worker.ts, whereIs
    discard: async (keep) => void (await thread.ask({ type: "discard", keep })),
    close: () => thread.close(),
  };
}

function prepareRunDirectory(runDir: string): void {
  try {
    // Names in it are not shown, and each incarnation's pipes are closed to others; some sockets in it are for them.
    if (ensureDirectory(runDir, 0o711)) chmodSync(runDir, 0o711);
  } catch (error) {
    const message = `the directory for services' pipes, ${runDir}, cannot be made: ${reasonOf(error)}; choose another --state-dir`;
    throw new AppError("log_directory_unusable", message, {
      cause: error,
      details: { path: runDir },
    });
  }
}

const trouble = (service: string, message: string): LogIncident => ({
  service,
  kind: "trouble",
  message,
});

const notCaptured = (incarnation: string): AppError =>
  new AppError(
    "not_found",
    `no output is read of incarnation ${incarnation}: it ended or was never opened`,
  );
