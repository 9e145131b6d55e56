import { isatty } from "node:tty";
import { destination, pino, type DestinationStream, type Logger as PinoLogger } from "pino";
import { humanLine } from "./log-line.ts";
import { redacted } from "./redact.ts";

/** The daemon's own log: what happened in sprite-env itself, for whoever runs it. What services write is elsewhere. */
export type Logger = PinoLogger;

interface LoggerOptions {
  level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** One JSON object a line; else a line for people. */
  json: boolean;
  /** Where it goes; standard error unless a test wants to look. */
  out?: DestinationStream;
  /** Whether lines for people are coloured; by default where standard error is a terminal. */
  colour?: boolean;
}

/**
 * A logger on standard error.
 *
 * Written at once and in this thread, so that the last line before a crash is there. A reader that went away (EPIPE)
 * silences it and ends nothing. Values under names that sound like secrets are replaced, at any depth;
 * only what a child logger carries is taken as it stands.
 */
export function createLogger(options: LoggerOptions): Logger {
  const out = options.out ?? destination({ fd: 2, sync: true });
  const colour = options.colour ?? (isatty(2) && !process.env["NO_COLOR"]);
  const stream = options.json
    ? out
    : { write: (line: string) => out.write(humanLine(line, colour)) };
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: redacted },
    },
    stream,
  );
}
