import { durationMs, DURATION_ALLOWED } from "../base/duration.ts";
import { AppError } from "../base/errors.ts";
import { Client } from "../client/client.ts";
import { socketPlaces } from "../config/places.ts";
import { say } from "./output.ts";

/** Flags of every verb that talks to a daemon. */
export const commonArgs = {
  socket: {
    type: "string",
    valueHint: "path",
    description: "Socket of the daemon (else $SPRITE_ENV_SOCKET, else the usual places)",
    complete: "file",
  },
  url: {
    type: "string",
    valueHint: "url",
    description:
      "The daemon's TCP listener (else $SPRITE_ENV_URL); its token is read from $SPRITE_HTTP_API_TOKEN",
  },
} as const;

/** Where somebody says that the daemon is. */
export interface ReachFlags {
  socket?: string | undefined;
  url?: string | undefined;
}

/** Flags of every verb that prints a table to people. */
export const jsonArgs = {
  json: { type: "boolean", description: "Print JSON on a terminal, too" },
} as const;

/** How long a command is sent again whose reply was lost with the daemon, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * A client for the daemon at the socket or URL given, else at $SPRITE_ENV_URL, else where one usually listens.
 *
 * @throws AppError `invalid_request` for both at once, or a URL that is none
 */
export function connect({ socket, url }: ReachFlags): Client {
  if (socket !== undefined && url !== undefined) {
    throw new AppError(
      "invalid_request",
      "--socket and --url contradict each other: give one of them",
    );
  }
  const remote = urlOf({ socket, url });
  return new Client({
    ...(remote === undefined
      ? { socket: socketPlaces(process.env, process.getuid?.() ?? -1, socket) }
      : { url: remote }),
    retryMs: RETRY_MS,
    onRetry: () => say("the daemon went away before it answered; asking again …"),
  });
}

/** The URL that is asked, or undefined where it is a socket of this machine. */
export function urlOf({ socket, url }: ReachFlags): string | undefined {
  if (url !== undefined) return url;
  return socket === undefined ? process.env["SPRITE_ENV_URL"] || undefined : undefined;
}

/** The refusal of a flag's value. */
export const refuse = (flag: string, value: string, allowed: string): AppError =>
  new AppError("invalid_request", `${flag} is "${value}": allowed is ${allowed}`);

/** A check of flags that take a whole number. */
export const whole =
  (least: number, most: number) =>
  (value: string, flag: string): void => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (number >= least && number <= most) return;
    throw refuse(flag, value, `a whole number from ${least} to ${most}`);
  };

/** A check of flags that take a number, maybe with a fraction. */
export const decimal =
  (least: number, most: number) =>
  (value: string, flag: string): void => {
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    if (number >= least && number <= most) return;
    throw refuse(flag, value, `a number from ${least} to ${most}`);
  };

/** A check of flags that take a Go duration. */
export const duration = (value: string, flag: string): void => {
  if (durationMs(value) === undefined) throw refuse(flag, value, DURATION_ALLOWED);
};

/** How long the lines of a start are watched. */
export const watchArgs = {
  duration: {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "How long to stream output after starting (default: 5s)",
  },
  stream: {
    type: "boolean",
    default: true,
    negativeDescription: "Don't stream output: return once the process is there",
  },
} as const;

/** The wire's `duration` for `--duration` and `--no-stream`. */
export function watchFor(args: {
  duration?: string | undefined;
  stream: boolean;
}): string | undefined {
  if (args.stream) return args.duration;
  if (args.duration === undefined) return "0s";
  throw new AppError(
    "invalid_request",
    "--duration and --no-stream contradict each other: give one of them",
  );
}

/** How long a process may take to end by itself. */
export const stopArgs = {
  timeout: {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "How long a gentle end may take before everything gets KILL (default: 10s)",
  },
} as const;
