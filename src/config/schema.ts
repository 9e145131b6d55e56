import type { FromSchema } from "json-schema-to-ts";
import { DURATION_ALLOWED } from "../base/duration.ts";
import { LISTEN_ALLOWED, LISTEN_PATTERN } from "./listen.ts";
import { bytes, command, duration, MAX_WORDS, mode, path, text } from "./schema-kinds.ts";

/* One list of every key, so longer than a file should be. */

/** Levels of the daemon's own log, from most to least. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;

/** Keys that later releases act on: refused by name, never ignored. */
const LATER = ["proxy_listen_addr"] as const;

/** Of a component, and of a service. */
export const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";
const NAME_ALLOWED = "1 to 63 of A-Z, a-z, 0-9, _, . and -, beginning with a letter or digit";

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
    api_listen_addr: {
      type: ["string", "null"],
      pattern: LISTEN_PATTERN,
      "x-allowed": LISTEN_ALLOWED,
      description:
        'Where the API listens for TCP as well, such as "127.0.0.1:8080"; ":8080" is every interface. Only with a token: SPRITE_HTTP_API_TOKEN, or api_tokens. Default: nowhere',
      default: null,
    },
    inspector_listen_addr: {
      type: "string",
      pattern: LISTEN_PATTERN,
      "x-allowed": 'an address of this machine alone, such as "127.0.0.1:0"',
      description:
        'Where "sprite-env inspect" has the daemon listen for browsers of this machine, once somebody asks; port 0 is whichever is free. Loopback alone',
      default: "127.0.0.1:0",
    },
    inspect_stately: {
      type: ["string", "null"],
      pattern: "^wss?://[^\\s]{1,500}$",
      "x-allowed": "the address of a WebSocket: ws://localhost:8080",
      description:
        "Streams the live state machines to an inspector that speaks Stately's protocol, for who develops them; needs the package @statelyai/inspect. Default: nowhere",
      default: null,
    },
    api_hosts: {
      type: "array",
      maxItems: 100,
      items: {
        type: "string",
        maxLength: 255,
        pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        "x-allowed": 'a host name without port, such as "sprite.example.com"',
      },
      "x-allowed": "a list of host names",
      description:
        "Names under which browsers reach the API, besides localhost, the host name, the sprite's and addresses: for a proxy in front of it",
      default: [],
    },
    api_tokens: {
      type: "array",
      maxItems: 100,
      "x-allowed":
        'a list of objects such as {"name": "ci", "token": {"$env": "CI_TOKEN"}, "read_only": true}',
      "x-secret": true,
      description:
        "Tokens for TCP besides SPRITE_HTTP_API_TOKEN, each with the name that events give to whoever used it. With read_only it may look and change nothing",
      default: [],
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "token"],
        "x-allowed": "an object with name, token and maybe read_only",
        "x-secret": true,
        properties: {
          name: {
            type: "string",
            pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
            "x-allowed": "1 to 63 of A-Z, a-z, 0-9, _, . and -, beginning with a letter or digit",
          },
          token: {
            type: "string",
            minLength: 1,
            "x-allowed": "a text, or better the variable it is in",
            "x-secret": true,
          },
          read_only: { type: "boolean", default: false },
        },
      },
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
      "Working directory of services that name none. Default: the home of the user that they run as",
    ),
    default_user: {
      type: ["string", "null"],
      minLength: 1,
      maxLength: 255,
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.@-]*\\$?$",
      "x-allowed": "the name or number of a user",
      description:
        "User of services that name none. Only a daemon that runs as root can run them as another than its own. Default: the daemon's user",
      default: null,
    },
    shutdown_timeout: {
      type: ["string", "null"],
      format: "duration",
      "x-allowed": DURATION_ALLOWED,
      description:
        "Time for everything to end when the daemon ends; then KILL. Default: 30s, and with a main process 10s more than its process_graceful_shutdown_timeout",
      default: null,
    },
    retention: {
      type: "object",
      additionalProperties: false,
      description:
        "How much of the event log is kept: what is older, and of what is too much the oldest, is removed about once an hour",
      default: { age: "720h", bytes: 2_000_000_000 },
      properties: {
        age: {
          type: "string",
          format: "age",
          "x-allowed": "a duration such as 12h or 720h, over 0",
          description: "Events that are older go",
          default: "720h",
        },
        bytes: bytes("The oldest events go while the store is larger", 1_000_000, 2_000_000_000),
      },
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
    process_command: {
      ...command(
        "The main process, where none stands after --: it is the service main, and when it ends, so does the daemon, with its exit code. Default: none",
      ),
      default: [],
      minItems: 0,
    },
    process_working_dir: path(
      "Working directory of the main process and of POST /exec. Default: the daemon's own",
    ),
    process_environment: {
      type: "array",
      maxItems: MAX_WORDS,
      items: {
        type: "string",
        maxLength: 131_072,
        pattern: "^[^=\\u0000]+=[^\\u0000]*$",
        "x-allowed": "a text NAME=value",
        "x-secret": true,
      },
      "x-allowed": 'a list of texts NAME=value, such as ["NODE_ENV=production"]',
      "x-secret": true,
      description:
        "Variables of the main process and of POST /exec, over those of the daemon, which they get but for its tokens and keys",
      default: [],
    },
    process_restart_max_retries: {
      type: "integer",
      minimum: 0,
      maximum: 1_000_000,
      description:
        "How often a main process that failed is started again before the daemon ends with its exit code",
      default: 0,
    },
    process_graceful_shutdown_timeout: duration(
      "Time for the main process to end after the signal; then KILL",
      "30s",
    ),
    keep_alive_on_error: {
      type: "boolean",
      description:
        "The daemon goes on when the main process has failed, so that somebody can look: SPRITE_KEEP_ALIVE_ON_ERROR",
      default: false,
    },
    exec: {
      type: "object",
      additionalProperties: false,
      description: "How POST /exec reaches the environment of the main process",
      default: {},
      properties: {
        wrapper_command: command(
          'Stands before each command, such as ["crun", "exec", "app"]. Default: none',
        ),
        tty_wrapper_command: command(
          'The same of commands on a terminal, such as ["crun", "exec", "-t", "app"]. Default: none',
        ),
      },
    },
    exec_wrapper_command: {
      ...command("exec.wrapper_command in another spelling"),
      default: [],
      minItems: 0,
    },
    exec_tty_wrapper_command: {
      ...command("exec.tty_wrapper_command in another spelling"),
      default: [],
      minItems: 0,
    },
    api_max_wait_time: duration(
      "How long a request that needs the main process and the components waits for them; then 503",
      "30s",
    ),
    components_dir: path(
      "Components, a folder each, with start.sh and, where it has them, ready.sh, checkpoint.sh and restore.sh. Default: none",
    ),
    components: {
      type: "object",
      maxProperties: 100,
      propertyNames: { pattern: NAME_PATTERN, "x-allowed": NAME_ALLOWED },
      "x-allowed": 'an object by name, such as {"db": {"start_command": ["/scripts/db/start.sh"]}}',
      description:
        "Components, started in this order before the main process and the services, each ready before the next begins",
      default: {},
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["start_command"],
        properties: {
          start_command: command(
            "Starts it, and stays; or ends with 0, and then it is up when it is ready",
          ),
          ready_command: command("Ends with 0 when it is ready. Default: it is ready when it runs"),
          checkpoint_command: command("Prepares it for a checkpoint"),
          restore_command: command("Brings it back after a restore"),
        },
      },
    },
    write_dir: path(
      "Base directory of what is written, the state in .sprite below it: SPRITE_WRITE_DIR. spritectl wants it. Default: none",
    ),
    local_mode: {
      type: "boolean",
      description: "Local storage, whatever is set under s3: SPRITE_LOCAL_MODE",
      default: false,
    },
    s3: {
      type: "object",
      additionalProperties: false,
      description:
        "Storage in S3, used when one of these or of the variables SPRITE_S3_… is set and local_mode is not. Default: local storage",
      default: {},
      properties: {
        access_key: text("SPRITE_S3_ACCESS_KEY", true),
        secret_key: text("SPRITE_S3_SECRET_ACCESS_KEY", true),
        endpoint: text("SPRITE_S3_ENDPOINT_URL"),
        bucket: text("SPRITE_S3_BUCKET"),
        region: text("SPRITE_S3_REGION. Default: us-east-1"),
      },
    },
    services: {
      type: "object",
      maxProperties: 1_000,
      propertyNames: { pattern: NAME_PATTERN, "x-allowed": NAME_ALLOWED },
      additionalProperties: { type: "object" },
      "x-allowed": 'an object by name, such as {"web": {"cmd": "node", "args": ["app.mjs"]}}',
      description:
        "Services that this file owns, as the API takes them: plan and reload hold them to it",
      default: {},
    },
  },
} as const;

/** The configuration file as it was written: only what was given. */
export type ConfigFile = FromSchema<typeof configSchema, { keepDefaultedPropertiesOptional: true }>;
export type ConfigKey = keyof typeof configSchema.properties;
