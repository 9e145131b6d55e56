import type { FromSchema } from "json-schema-to-ts";
import { backoff, envValue } from "./field-schemas.ts";

const names = { type: "array", items: { type: "string" } } as const;

const probes = { http: { type: "string" }, tcp: { type: "string" }, exec: names } as const;

/** How a process ended. */
export const exitView = {
  type: "object",
  additionalProperties: false,
  properties: {
    code: { type: "integer" },
    signal: { type: "string" },
    core: { type: "boolean" },
    oom: { type: "boolean" },
    spawn_error: { type: "string" },
    unknown: { type: "boolean", description: "Nobody saw how it ended" },
  },
} as const;

const stateView = {
  type: "object",
  additionalProperties: false,
  required: ["name", "status", "phase", "desired", "version"],
  properties: {
    name: { type: "string" },
    status: { type: "string", enum: ["stopped", "starting", "running", "stopping", "failed"] },
    pid: { type: "integer" },
    started_at: { type: "string", description: "RFC 3339, nine fraction digits" },
    error: { type: "string" },
    restart_count: { type: "integer", minimum: 1 },
    next_restart_at: { type: "string", description: "RFC 3339, nine fraction digits" },
    phase: {
      type: "string",
      enum: [
        "pending",
        "starting",
        "running",
        "crashed",
        "restarting",
        "stopping",
        "stopped",
        "failed",
      ],
    },
    desired: { type: "string", enum: ["running", "stopped"] },
    flags: names,
    waiting_for: names,
    last_exit: exitView,
    version: { type: "integer" },
  },
} as const;

/** A service as it is shown. */
export const serviceView = {
  type: "object",
  additionalProperties: false,
  required: ["name", "cmd", "args", "needs", "state"],
  properties: {
    name: { type: "string" },
    cmd: { type: "string" },
    args: names,
    env: {
      type: "object",
      additionalProperties: envValue,
      description: "To whoever may change the service",
    },
    env_names: { ...names, description: "In lists, and where values are not shown" },
    dir: { type: "string" },
    needs: names,
    http_port: { type: "integer" },
    user: { type: "string", description: "Name or number" },
    group: { type: "string", description: "Name or number" },
    umask: { type: "string", description: "Octal, four digits" },
    env_file: { type: "string" },
    restart: { type: "string", enum: ["always", "on-failure", "never"] },
    success_exit_codes: { type: "array", items: { type: "integer" } },
    backoff,
    max_failures: { type: "integer" },
    window: { type: "string" },
    stop_signal: { type: "string", description: "Without SIG" },
    stop_timeout: { type: "string" },
    stop_command: names,
    ready: {
      type: "object",
      additionalProperties: false,
      properties: {
        ...probes,
        log: { type: "string" },
        notify: { type: "boolean", const: true },
        fd: { type: "integer" },
      },
    },
    ready_timeout: { type: "string" },
    health: {
      type: "object",
      additionalProperties: false,
      properties: {
        ...probes,
        every: { type: "string" },
        timeout: { type: "string" },
        failures: { type: "integer" },
      },
    },
    oneshot: { type: "boolean" },
    watch: { type: "array", items: { type: "string" } },
    labels: { type: "object", additionalProperties: { type: "string" } },
    state: stateView,
  },
} as const;

export const serviceList = { type: "array", items: serviceView } as const;

const timestamp = { type: "integer", description: "Milliseconds since the epoch" } as const;

/** One line of a stream. */
export const streamLine = {
  type: "object",
  additionalProperties: false,
  required: ["type", "timestamp"],
  properties: {
    type: {
      type: "string",
      enum: [
        "pending",
        "started",
        "stdout",
        "stderr",
        "exit",
        "error",
        "stopping",
        "stopped",
        "complete",
      ],
    },
    data: { type: "string" },
    exit_code: { type: "integer" },
    message: { type: "string" },
    log_files: {
      type: "object",
      additionalProperties: false,
      required: ["combined", "stderr", "stdout"],
      properties: {
        combined: { type: "string" },
        stderr: { type: "string" },
        stdout: { type: "string" },
      },
    },
    timestamp,
  },
} as const;

/** Every error. Facts a program may want (field, value, allowed) stand beside the two. */
export const errorView = {
  type: "object",
  required: ["error", "message"],
  properties: { error: { type: "string" }, message: { type: "string" } },
} as const;

/** A service as it is shown. */
export type ServiceWire = FromSchema<typeof serviceView, { keepDefaultedPropertiesOptional: true }>;
export type ServiceStateWire = ServiceWire["state"];
export type StreamLineWire = FromSchema<typeof streamLine>;
