import { dirname, resolve } from "node:path";
import { durationMs } from "../base/duration.ts";
import { AppError } from "../base/errors.ts";
import { checker } from "./checker.ts";
import { readConfigFile } from "./file.ts";
import { flagOf, type Flags } from "./flags.ts";
import { isLoopback, type ListenAddress, listenAddress } from "./listen.ts";
import {
  MAX_SOCKET_PATH_BYTES,
  places,
  type ChosenPlaces,
  type Env,
  type Places,
} from "./places.ts";
import { defaultDirOf, safeName, thisSystem, type System } from "./system.ts";
import { apiTokens, checkTokens, TOKEN_VARIABLE, type ApiToken } from "./tokens.ts";
import { configSchema, type Config, type ConfigFile, type ConfigKey } from "./schema.ts";

export interface Loaded {
  config: Readonly<Config>;
  /** Of the API over TCP. Apart from the rest, so that nobody gets them by the way. */
  tokens: readonly ApiToken[];
  /** Variables that tokens were read from: to be forgotten, so that no child and no other user of the machine gets them. */
  secretVariables: readonly string[];
  /** Sentences that belong into the daemon's log. */
  notices: readonly string[];
  /** Those that somebody should do something about. */
  warnings: readonly string[];
}

const PATH_KEYS = ["state_dir", "socket_path", "log_dir", "default_dir"] as const;

/** Variables of features this release does not have. They may be set for other reasons, so they are named, not refused. */
const LATER_VARIABLES = /^SPRITE_(KEEP_ALIVE_ON_ERROR|LOCAL_MODE|S3_[A-Z_]+)$/;

const checkFlags = checker(configSchema, true);

/** Texts of the command line as values of the file: the same check, but the message names the flag. */
function fromFlags(values: Flags["values"]): ConfigFile {
  const raw: Record<string, unknown> = { ...values };
  const problem = checkFlags(raw);
  if (!problem) return raw as ConfigFile; // the check has just proved it
  const key = problem.field as ConfigKey; // only known keys come out of parseFlags
  throw new AppError(
    "config_invalid",
    `--${flagOf(key)} is "${values[key] ?? ""}": allowed is ${problem.allowed}`,
    { details: { field: key, allowed: problem.allowed } },
  );
}

const fromEnvironment = (env: Env): ConfigFile => ({
  ...(env["SPRITE_ENV_STATE_DIR"] && { state_dir: env["SPRITE_ENV_STATE_DIR"] }),
  ...(env["SPRITE_ENV_SOCKET"] && { socket_path: env["SPRITE_ENV_SOCKET"] }),
});

/** Only what was given, with paths made absolute against the directory they were written in. */
function given(from: ConfigFile, directory: string): ConfigFile {
  const values = Object.entries(from).filter(([, value]) => value !== null);
  const absolute = values.map(([key, value]) =>
    PATH_KEYS.some((one) => one === key) && typeof value === "string"
      ? [key, resolve(directory, value)]
      : [key, value],
  );
  return Object.fromEntries(absolute) as ConfigFile; // the same keys with the same types
}

function refuseLongSocket(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new AppError(
    "config_invalid",
    `the path of the API socket has ${bytes} bytes, and the kernel takes ${MAX_SOCKET_PATH_BYTES}: ` +
      `choose a shorter one with --socket, SPRITE_ENV_SOCKET or socket_path (${path})`,
    { details: { field: "socket_path", value: path, allowed: `${MAX_SOCKET_PATH_BYTES} bytes` } },
  );
}

const octal = (text: string): number => Number.parseInt(text, 8);

const withDefaults = (merged: ConfigFile, system: System, at: Places): Config => ({
  stateDir: at.stateDir,
  socketPath: at.socketPath,
  socketMode: octal(merged.socket_mode ?? (merged.socket_group ? "0660" : "0600")),
  socketGroup: merged.socket_group ?? undefined,
  apiListen: merged.api_listen_addr
    ? listenAddress(merged.api_listen_addr, "api_listen_addr")
    : undefined,
  inspectorListen: loopback(
    merged.inspector_listen_addr ?? configSchema.properties.inspector_listen_addr.default,
  ),
  inspectStately: merged.inspect_stately ?? undefined,
  apiHosts: Object.freeze(merged.api_hosts ?? configSchema.properties.api_hosts.default),
  logDir: at.logDir,
  logFileMode: octal(merged.log_file_mode ?? configSchema.properties.log_file_mode.default),
  logDirMode: octal(merged.log_dir_mode ?? configSchema.properties.log_dir_mode.default),
  logRotateBytes: merged.log_rotate_bytes ?? configSchema.properties.log_rotate_bytes.default,
  logRotateKeep: merged.log_rotate_keep ?? configSchema.properties.log_rotate_keep.default,
  logTotalBytes: merged.log_total_bytes ?? configSchema.properties.log_total_bytes.default,
  logLevel: merged.log_level ?? (merged.debug ? "debug" : "info"),
  logJson: merged.log_json ?? configSchema.properties.log_json.default,
  debug: merged.debug ?? configSchema.properties.debug.default,
  defaultDir: defaultDirOf(merged.default_dir, system.env["HOME"]),
  isDefaultDirChosen: Boolean(merged.default_dir),
  defaultUser: merged.default_user ?? undefined,
  shutdownTimeoutMs: durationMs(
    merged.shutdown_timeout ?? configSchema.properties.shutdown_timeout.default,
  ) as number, // the check or the default proves it
  retentionAgeMs: durationMs(
    merged.retention?.age ?? configSchema.properties.retention.properties.age.default,
  ) as number, // as above
  retentionBytes:
    merged.retention?.bytes ?? configSchema.properties.retention.properties.bytes.default,
  spriteName: merged.sprite_name ?? safeName(system.hostname),
  reaper: merged.reaper ?? configSchema.properties.reaper.default,
});

function refuseContradictions(config: Config): void {
  if (config.logTotalBytes >= config.logRotateBytes) return;
  throw new AppError(
    "config_invalid",
    `log_total_bytes is ${config.logTotalBytes}, less than the ${config.logRotateBytes} of log_rotate_bytes: ` +
      "all logs together need at least the size of one",
    { details: { field: "log_total_bytes" } },
  );
}

const laterVariables = (env: Env): string[] =>
  Object.keys(env)
    .filter((name) => LATER_VARIABLES.test(name))
    .toSorted()
    .map((name) => `${name} is set, and this release does not use it yet`);

/** SPRITE_WRITE_DIR may be relative, too. */
const absolute = (at: Places, cwd: string): Places => ({
  ...at,
  stateDir: resolve(cwd, at.stateDir),
  socketPath: resolve(cwd, at.socketPath),
  logDir: resolve(cwd, at.logDir),
});

const chosenPlaces = (merged: ConfigFile): ChosenPlaces => ({
  stateDir: merged.state_dir ?? undefined,
  socketPath: merged.socket_path ?? undefined,
  logDir: merged.log_dir ?? undefined,
});

/** What one source says, and what it is called. The later one of two wins. */
export interface ConfigLayer {
  source: "file" | "environment" | "flag";
  values: ConfigFile;
}

/** What was given, by source, with paths made absolute. @throws AppError as `loadConfig` */
export function readLayers(
  flags: Flags,
  { env, cwd }: System,
): { layers: readonly ConfigLayer[]; read: ReturnType<typeof readConfigFile> | undefined } {
  const file = flags.configFile === undefined ? undefined : resolve(cwd, flags.configFile);
  const read = file === undefined ? undefined : readConfigFile(file, env);
  const layers: ConfigLayer[] = [
    ...(file && read
      ? [{ source: "file" as const, values: given(read.values, dirname(file)) }]
      : []),
    { source: "environment", values: given(fromEnvironment(env), cwd) },
    { source: "flag", values: given(fromFlags(flags.values), cwd) },
  ];
  return { layers, read };
}

/**
 * The daemon's configuration: flags over environment over file over defaults, frozen.
 *
 * Relative paths are meant from the directory of the file they stand in, else from the current directory.
 *
 * @throws AppError `config_invalid` or `not_built_yet`, naming key, value and what is allowed
 */
export function loadConfig(flags: Flags, system: System = thisSystem()): Loaded {
  const { env, cwd } = system;
  const { layers, read } = readLayers(flags, system);
  const merged: ConfigFile = Object.assign({}, ...layers.map(({ values }) => values));
  const at = absolute(places(env, system.uid, system.canWrite, chosenPlaces(merged)), cwd);
  refuseLongSocket(at.socketPath);
  const config = Object.freeze(withDefaults(merged, system, at));
  refuseContradictions(config);
  const tokens = apiTokens(merged, env);
  const { apiListen } = config;
  const warnings = apiListen ? checkTokens(apiListen, tokens, env) : [];
  return {
    config,
    tokens,
    secretVariables: [TOKEN_VARIABLE, ...(read?.variables.get("api_tokens") ?? [])],
    notices: [...at.notices, ...laterVariables(env)],
    warnings,
  };
}

/** @throws AppError `config_invalid` for an address that others can reach */
function loopback(text: string): ListenAddress {
  const key = "inspector_listen_addr";
  const address = listenAddress(text, key);
  if (isLoopback(address)) return address;
  const allowed = "127.0.0.1, [::1] or localhost, with a port";
  throw new AppError("config_invalid", `${key} is "${text}": allowed is ${allowed}`, {
    details: { field: key, value: text, allowed },
  });
}
