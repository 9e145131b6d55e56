import type { FromSchema } from "json-schema-to-ts";
import { DURATION_ALLOWED } from "../base/duration.ts";

const path = (description: string) =>
  ({
    type: ["string", "null"],
    minLength: 1,
    maxLength: 4096,
    pattern: "^[^~\\u0000][^\\u0000]*$",
    "x-allowed": 'a path without NUL; "~" is not expanded, so write the whole path',
    description,
    default: null,
  }) as const;

const mode = <Default extends string | null>(
  description: string,
  owner: string,
  standard: Default,
) =>
  ({
    type: ["string", "null"],
    pattern: `^0?${owner}[0-7]{2}$`,
    "x-allowed": `an octal mode in quotes whose owner digit is ${owner.replace(/[[\]]/g, "").split("").join(" or ")}, such as "0${owner === "7" ? "755" : "660"}"`,
    description,
    default: standard,
  }) as const;

const bytes = <Default extends number>(description: string, minimum: number, standard: Default) =>
  ({
    type: "integer",
    minimum,
    maximum: Number.MAX_SAFE_INTEGER,
    description,
    default: standard,
  }) as const;

/** Levels of the daemon's own log, from most to least. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;

/** Keys that later releases act on: refused by name, never ignored. */
const LATER = [
  "api_listen_addr",
  "api_max_wait_time",
  "components",
  "components_dir",
  "default_user",
  "exec",
  "exec_tty_wrapper_command",
  "exec_wrapper_command",
  "inspector_listen_addr",
  "juicefs_dir",
  "keep_alive_on_error",
  "local_mode",
  "process_command",
  "process_environment",
  "process_graceful_shutdown_timeout",
  "process_working_dir",
  "proxy_listen_addr",
  "retention",
  "s3",
  "write_dir",
] as const;

/** The configuration file. `null` stands for the default where that depends on the machine. */
export const configSchema = {
  type: "object",
  additionalProperties: false,
  "x-later": LATER,
  properties: {
    state_dir: path(
      "The event log and run files. Default: /.sprite as root where it can be written ($SPRITE_WRITE_DIR/.sprite when that is set), else $XDG_STATE_HOME/sprite-env",
    ),
    socket_path: path(
      "The API's Unix socket. Default: /.sprite/api.sock as root where it can be written, else $XDG_RUNTIME_DIR/sprite-env/api.sock",
    ),
    socket_mode: mode(
      "Mode of the socket. Whoever can open it runs commands as the daemon's user. Default: 0600, and 0660 with a socket_group",
      "[67]",
      null,
    ),
    socket_group: {
      type: ["string", "null"],
      minLength: 1,
      maxLength: 255,
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
      "x-allowed": "the name or number of a group",
      description: "Group of the socket. Default: the daemon's own",
      default: null,
    },
    log_dir: path(
      "Logs of services, one file each. Default: /.sprite/logs/services as root where it can be written, else logs/services in the state directory",
    ),
    log_file_mode: mode("Mode of the services' log files", "[67]", "0644"),
    log_dir_mode: mode("Mode of the services' log directory", "7", "0755"),
    log_rotate_bytes: bytes("A service's log file of this size is rotated", 65_536, 10_000_000),
    log_rotate_keep: {
      type: "integer",
      minimum: 0,
      maximum: 1_000,
      description: "So many rotated files of a service are kept",
      default: 5,
    },
    log_total_bytes: bytes(
      "All log files of all services together; the oldest rotated ones go first",
      65_536,
      1_000_000_000,
    ),
    log_level: {
      enum: [...LOG_LEVELS, null],
      description: "How much the daemon says on stderr. Default: info, and debug with debug",
      default: null,
    },
    log_json: {
      type: "boolean",
      description: "The daemon's own log as JSON, one object a line",
      default: false,
    },
    debug: { type: "boolean", description: "Debug logging", default: false },
    default_dir: path(
      "Working directory of services that name none. Default: the home of the daemon's user",
    ),
    shutdown_timeout: {
      type: "string",
      format: "duration",
      "x-allowed": DURATION_ALLOWED,
      description: "Time for all services to end when the daemon ends; then KILL",
      default: "30s",
    },
    sprite_name: {
      type: ["string", "null"],
      pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
      "x-allowed": "1 to 63 of a-z, 0-9 and -, not - at an end",
      description: "Name under /v1/sprites/. Default: the host name made safe",
      default: null,
    },
    reaper: {
      enum: ["auto", "on", "off"],
      description: "Whether what services orphan becomes the daemon's child",
      default: "auto",
    },
  },
} as const;

/** The configuration file as it was written: only what was given. */
export type ConfigFile = FromSchema<typeof configSchema, { keepDefaultedPropertiesOptional: true }>;
export type ConfigKey = keyof typeof configSchema.properties;

/** What the daemon runs with. Paths are absolute. */
export interface Config {
  stateDir: string;
  socketPath: string;
  socketMode: number;
  /** Name or number. */
  socketGroup: string | undefined;
  logDir: string;
  logFileMode: number;
  logDirMode: number;
  logRotateBytes: number;
  logRotateKeep: number;
  logTotalBytes: number;
  logLevel: (typeof LOG_LEVELS)[number];
  logJson: boolean;
  debug: boolean;
  defaultDir: string;
  shutdownTimeoutMs: number;
  spriteName: string;
  reaper: "auto" | "on" | "off";
}
