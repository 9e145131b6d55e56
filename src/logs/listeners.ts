import { parseLines, skippedLine } from "./line.ts";
import type { FromLogThread, ToLogThread } from "./messages.ts";
import type { LogLine, ServiceLogs } from "./ports.ts";

type Listener = (incarnation: string, line: LogLine) => void;
type LineMessage = Extract<FromLogThread, { type: "lines" | "skipped" }>;

/** The main thread's end of `follow`. */
export interface Listeners {
  follow: ServiceLogs["follow"];
  received(message: FromLogThread): void;
  /** A new thread must be told what to send. */
  followAgain(): void;
}

/**
 * Gives lines to whoever follows a service. A batch is acknowledged in a later turn of the loop, so that a
 * flood of lines leaves every other task its turn; what the thread may not send meanwhile it skips and counts.
 */
export function createListeners(tell: (message: ToLogThread) => void): Listeners {
  const listeners = new Map<string, Set<Listener>>();

  const give = (message: LineMessage, lines: readonly LogLine[]): void => {
    for (const listener of listeners.get(message.service) ?? []) {
      for (const line of lines) listener(message.incarnation, line);
    }
  };
  return {
    follow: (service, listener) => {
      const own: Listener = (incarnation, line) => listener(incarnation, line); // the same one may follow twice
      const all = listeners.get(service) ?? new Set();
      if (all.size === 0) tell({ type: "follow", service });
      listeners.set(service, all.add(own));
      return () => {
        if (!all.delete(own) || all.size > 0) return;
        listeners.delete(service);
        tell({ type: "unfollow", service });
      };
    },
    received: (message) => {
      if (message.type === "skipped") give(message, [skippedLine(message.lines)]);
      if (message.type !== "lines") return;
      const { service, bytes } = message;
      setImmediate(() => tell({ type: "taken", service, bytes: bytes.length }));
      give(message, parseLines(bytes));
    },
    followAgain: () => {
      for (const service of listeners.keys()) tell({ type: "follow", service });
    },
  };
}
