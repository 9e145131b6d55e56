import { decimal, duration, refuse, whole } from "./args.ts";
import { commaList } from "./lists.ts";

const POLICIES: ("always" | "on-failure" | "never")[] = ["always", "on-failure", "never"];

/** A check of flags that take an octal number of at most three digits, with a 0 before it or without. */
function octal(value: string, flag: string): void {
  if (/^0?[0-7]{1,3}$/.test(value)) return;
  throw refuse(flag, value, "an octal number from 0 to 0777, such as 0027");
}

/** A check of flags that take whole numbers with commas between. */
const wholeList =
  (least: number, most: number) =>
  (value: string, flag: string): void => {
    const allowed = `whole numbers from ${least} to ${most} with commas between, such as 0,3`;
    for (const part of commaList(value)) {
      const number = /^\d{1,15}$/.test(part) ? Number(part) : NaN;
      if (!(number >= least && number <= most)) throw refuse(flag, value, allowed);
    }
  };

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
  "env-file": {
    type: "string",
    valueHint: "path",
    description: "File of NAME=value lines, read at each start; --env and --env-var win over it",
  },
  dir: { type: "string", valueHint: "path", description: "Working directory of the process" },
  user: {
    type: "string",
    valueHint: "user",
    description: "User to run as, by name or number, with its groups (default: the daemon's)",
  },
  group: {
    type: "string",
    valueHint: "group",
    description: "Group to run as, in the place of the user's own first one",
  },
  umask: {
    type: "string",
    valueHint: "octal",
    check: octal,
    description: "File mode creation mask, such as 0027 (default: the daemon's)",
  },
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
  "success-exit-codes": {
    type: "string",
    valueHint: "0,3",
    check: wholeList(0, 255),
    description: "Exit codes that are a success, all of them (default: 0)",
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
  "max-failures": {
    type: "string",
    valueHint: "count",
    check: whole(1, 1_000),
    description: "So many failures within --window, and it is not tried again (default: no limit)",
  },
  window: {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "Time in which --max-failures count (default: 1m)",
  },
  "stop-signal": {
    type: "string",
    valueHint: "signal",
    description: "Signal that ends it gently, with SIG or without (default: TERM)",
  },
  "stop-timeout": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "How long a gentle end may take before everything gets KILL (default: 10s)",
  },
  "stop-command": {
    type: "string",
    valueHint: "cmd,a,b",
    description:
      "Program that ends it gently, its arguments after commas; the signal follows where it fails",
  },
  "ready.http": {
    type: "string",
    valueHint: "url",
    description: "It is ready when this URL answers with 200 to 399",
  },
  "ready.tcp": {
    type: "string",
    valueHint: "host:port",
    description: "It is ready when a connection to there is accepted",
  },
  "ready.exec": {
    type: "string",
    valueHint: "cmd,a,b",
    description: "It is ready when this program, its arguments after commas, exits with 0",
  },
  "ready.log": {
    type: "string",
    valueHint: "text",
    description: "It is ready when a line of its output holds this text",
  },
  "ready.notify": {
    type: "boolean",
    description: "It is ready when it says READY=1 on $NOTIFY_SOCKET, as for systemd",
  },
  "ready.fd": {
    type: "string",
    valueHint: "number",
    check: whole(3, 1_023),
    description: "It is ready when it writes a newline to this descriptor, as for s6",
  },
  "ready-timeout": {
    type: "string",
    valueHint: "time",
    check: duration,
    description: "Not ready for so long after its start counts as a crash (default: 1m)",
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
  oneshot: {
    type: "boolean",
    description: "It ends by itself: success is done, until the machine boots anew",
  },
  watch: {
    type: "string",
    valueHint: "path,…",
    description: "Files and directories whose changes restart it, split at every comma",
    complete: "file",
  },
  labels: {
    type: "string",
    valueHint: "k=v,…",
    description: "Labels to choose services by, split at every comma: --labels tier=web,team=a",
  },
  label: {
    type: "string",
    valueHint: "k=v",
    repeat: true,
    description: "One label as it stands",
  },
  from: {
    type: "string",
    valueHint: "file",
    description: "Read the definition from a JSON file (- is standard input); flags win over it",
  },
} as const;

/** Fields of a definition that later releases act on. */
export const LATER_FIELDS = ["limits", "schedule", "http-autostart"];
