import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { ArgsDef, CommandContext, ParsedArgs } from "citty";
import type { ChangeBody } from "../api/schemas.ts";
import type { definitionArgs } from "./definition-args.ts";
import { commaList, envFrom, labelsFrom } from "./lists.ts";
import { allOf } from "./verb.ts";

type Given = ParsedArgs<typeof definitionArgs>;

/** Repeatable flags of a definition. */
interface Repeated {
  arg: readonly string[];
  envVar: readonly string[];
  label: readonly string[];
}

/** What a verb with the flags of a definition was given of those that may be repeated. */
export const repeatedOf = <T extends ArgsDef>(context: CommandContext<T>): Repeated => ({
  arg: allOf(context, "arg"),
  envVar: allOf(context, "env-var"),
  label: allOf(context, "label"),
});

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

const listOr = (text: string | undefined): string[] | undefined =>
  text === undefined ? undefined : commaList(text);

/** A port alone is one of this machine. */
const tcpOf = (text: string | undefined): string | number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : text;

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
    env_file: args["env-file"] === undefined ? undefined : resolve(args["env-file"]),
    dir: args.dir === undefined ? undefined : resolve(args.dir),
    user: args.user,
    group: args.group,
    umask: args.umask,
    needs: listOr(args.needs),
    http_port: numberOr(args["http-port"]),
    ...endingOf(args),
    ready: readyOf(args),
    ready_timeout: args["ready-timeout"],
    health: healthOf(args),
    oneshot: args.oneshot,
    watch: listOr(args.watch)?.map((path) => resolve(args.dir ?? "", path)),
    labels: labelsFrom(args.labels, repeated.label),
  };
  return (present(fields) ?? {}) as ChangeBody; // checked flag by flag; the daemon checks it as a whole
}

/** How it ends, and what follows. */
const endingOf = (args: Given): object => ({
  restart: args.restart,
  success_exit_codes: listOr(args["success-exit-codes"])?.map(Number),
  backoff: backoffOf(args),
  max_failures: numberOr(args["max-failures"]),
  window: args.window,
  stop_signal: args["stop-signal"],
  stop_timeout: args["stop-timeout"],
  stop_command: listOr(args["stop-command"]),
});

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

const readyOf = (args: Given): object | undefined =>
  present({
    http: args["ready.http"],
    tcp: tcpOf(args["ready.tcp"]),
    exec: listOr(args["ready.exec"]),
    log: args["ready.log"],
    notify: args["ready.notify"] || undefined,
    fd: numberOr(args["ready.fd"]),
  });

const healthOf = (args: Given): object | undefined =>
  present({
    http: args["health.http"],
    tcp: tcpOf(args["health.tcp"]),
    exec: listOr(args["health.exec"]),
    every: args["health.every"],
    timeout: args["health.timeout"],
    failures: numberOr(args["health.failures"]),
  });
