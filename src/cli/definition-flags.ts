import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { ParsedArgs } from "citty";
import type { ChangeBody } from "../api/schemas.ts";
import { decimal, duration, whole } from "./args.ts";
import { commaList, envFrom } from "./lists.ts";

const POLICIES: ("always" | "on-failure" | "never")[] = ["always", "on-failure", "never"];

/** One flag for each field of a definition, named as on the wire, in kebab case. */
export const definitionArgs = {
  cmd: {
    type: "string",
    valueHint: "path",
    description: "The executable to run: the binary alone, arguments go in --args",
  },
  args: {
    type: "string",
    valueHint: "a,b,c",
    description: 'Arguments, split at every comma: --args "-m,http.server,3000"',
  },
  arg: {
    type: "string",
    valueHint: "word",
    repeat: true,
    description: "One argument as it stands, after those of --args",
  },
  env: {
    type: "string",
    valueHint: "K=v,…",
    description: 'Environment variables, split at every comma: --env "PORT=3000,DEBUG=1"',
  },
  "env-var": {
    type: "string",
    valueHint: "K=v",
    repeat: true,
    description: "One environment variable as it stands",
  },
  dir: { type: "string", valueHint: "path", description: "Working directory of the process" },
  needs: {
    type: "string",
    valueHint: "svc,…",
    description: "Services that must start before this one",
  },
  "http-port": {
    type: "string",
    valueHint: "port",
    check: whole(1, 65_535),
    description: "Port that requests to the sprite's URL go to",
  },
  restart: {
    type: "enum",
    options: POLICIES,
    valueHint: "policy",
    description: "When to start it again after an exit: always (default), on-failure or never",
  },
  "backoff.first": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "Delay before the first try after a crash (default: 200ms)",
  },
  "backoff.factor": {
    type: "string",
    valueHint: "number",
    check: decimal(1, 100),
    description: "By how much each further delay is longer (default: 2)",
  },
  "backoff.max": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "Longest delay (default: 30s)",
  },
  "backoff.jitter": {
    type: "string",
    valueHint: "share",
    check: decimal(0, 1),
    description: "Share by which a delay may be shorter or longer (default: 0.2)",
  },
  "backoff.reset-after": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "After so long without a crash delays begin anew (default: 30s)",
  },
  "health.http": {
    type: "string",
    valueHint: "url",
    description: "Ask this URL whether the service is well: 200 to 399 is yes",
  },
  "health.tcp": {
    type: "string",
    valueHint: "host:port",
    description: "Ask by connecting: being accepted is yes",
  },
  "health.exec": {
    type: "string",
    valueHint: "cmd,a,b",
    description: "Ask by running a program, its arguments after commas: exit code 0 is yes",
  },
  "health.every": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "How often to ask (default: 10s)",
  },
  "health.timeout": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "How long an answer may take (default: 5s)",
  },
  "health.failures": {
    type: "string",
    valueHint: "count",
    check: whole(1, 1_000),
    description: "So many failures in a row end the process, as a crash (default: 3)",
  },
  from: {
    type: "string",
    valueHint: "file",
    description: "Read the definition from a JSON file (- is standard input); flags win over it",
  },
} as const;

/** Fields of a definition that later releases act on. */
export const LATER_FIELDS = [
  "user",
  "group",
  "umask",
  "env-file",
  "success-exit-codes",
  "max-failures",
  "window",
  "stop-signal",
  "stop-timeout",
  "stop-command",
  "ready",
  "ready-timeout",
  "limits",
  "oneshot",
  "schedule",
  "watch",
  "label",
  "labels",
  "http-autostart",
];

type Given = ParsedArgs<typeof definitionArgs>;

/** Repeatable flags of a definition: see `allOf`. */
export interface Repeated {
  arg: readonly string[];
  envVar: readonly string[];
}

/** Keeps what has a value; undefined where nothing has. */
function present<T extends object>(
  fields: T,
): { [K in keyof T]: Exclude<T[K], undefined> } | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length === 0
    ? undefined
    : (Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }); // only undefined was left out
}

const numberOr = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

/**
 * The fields that the flags give, in the wire's own form; nothing else is in it.
 *
 * @throws AppError `invalid_request` naming the flag
 */
export function definitionFromFlags(args: Given, repeated: Repeated): ChangeBody {
  const fields = {
    cmd: cmdOf(args.cmd, args.dir),
    args: argsOf(args.args, repeated.arg),
    env: envFrom(args.env, repeated.envVar),
    dir: args.dir === undefined ? undefined : resolve(args.dir),
    needs: args.needs === undefined ? undefined : commaList(args.needs),
    http_port: numberOr(args["http-port"]),
    restart: args.restart,
    backoff: backoffOf(args),
    health: healthOf(args),
  };
  return (present(fields) ?? {}) as ChangeBody; // checked flag by flag; the daemon checks it as a whole
}

function argsOf(list: string | undefined, literal: readonly string[]): string[] | undefined {
  if (list === undefined && literal.length === 0) return undefined;
  return [...(list === undefined ? [] : commaList(list)), ...literal];
}

/** A program as somebody at a shell means it: `./app` is the one in front of them, where no `--dir` says otherwise. */
function cmdOf(cmd: string | undefined, dir: string | undefined): string | undefined {
  const isHere = dir === undefined && cmd?.includes("/") && !isAbsolute(cmd) && existsSync(cmd);
  return cmd !== undefined && isHere ? resolve(cmd) : cmd;
}

const backoffOf = (args: Given): object | undefined =>
  present({
    first: args["backoff.first"],
    factor: numberOr(args["backoff.factor"]),
    max: args["backoff.max"],
    jitter: numberOr(args["backoff.jitter"]),
    reset_after: args["backoff.reset-after"],
  });

function healthOf(args: Given): object | undefined {
  const exec = args["health.exec"];
  return present({
    http: args["health.http"],
    tcp: args["health.tcp"],
    exec: exec === undefined ? undefined : commaList(exec),
    every: args["health.every"],
    timeout: args["health.timeout"],
    failures: numberOr(args["health.failures"]),
  });
}
