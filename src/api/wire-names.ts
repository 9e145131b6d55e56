import type { ServiceDefinition } from "../../machines/definition.ts";

/** What each field of a definition is called on the wire, in the order in which a service is shown. */
export const WIRE_NAMES = {
  cmd: "cmd",
  args: "args",
  env: "env",
  dir: "dir",
  needs: "needs",
  httpPort: "http_port",
  user: "user",
  group: "group",
  umask: "umask",
  envFile: "env_file",
  restart: "restart",
  successExitCodes: "success_exit_codes",
  backoff: "backoff",
  maxFailures: "max_failures",
  windowMs: "window",
  stopSignal: "stop_signal",
  stopTimeoutMs: "stop_timeout",
  stopCommand: "stop_command",
  ready: "ready",
  readyTimeoutMs: "ready_timeout",
  health: "health",
  oneshot: "oneshot",
  watch: "watch",
  labels: "labels",
} as const satisfies Record<keyof ServiceDefinition, string>;
