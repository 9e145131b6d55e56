import { durationMs, DURATION_ALLOWED } from "../base/duration.ts";
import { AppError } from "../base/errors.ts";
import { Client } from "../client/client.ts";
import { socketPlaces } from "../config/places.ts";

/** Flags of every verb that talks to a daemon. */
export const commonArgs = {
  socket: {
    type: "string",
    valueHint: "path",
    description: "Socket of the daemon (else $SPRITE_ENV_SOCKET, else the usual places)",
  },
} as const;

/** Flags of every verb that prints a table to people. */
export const jsonArgs = {
  json: { type: "boolean", description: "Print JSON on a terminal, too" },
} as const;

/** A client for the daemon on the socket given, else where one usually listens. */
export const connect = (socket: string | undefined): Client =>
  new Client(socketPlaces(process.env, process.getuid?.() ?? -1, socket));

const refuse = (flag: string, value: string, allowed: string): AppError =>
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
