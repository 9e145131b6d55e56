import { dirname, resolve } from "node:path";
import { AppError } from "../base/errors.ts";
import { checker } from "./checker.ts";
import { componentsOf } from "./components.ts";
import { readConfigFile } from "./file.ts";
import { flagOf, type Flags } from "./flags.ts";
import { isLoopback, type ListenAddress, listenAddress } from "./listen.ts";
import { execPlace, mainProcess, milliseconds, shutdownMs } from "./main-process.ts";
import { MAX_SOCKET_PATH_BYTES, places, type ChosenPlaces, type Places } from "./places.ts";
import { S3_VARIABLES, type S3Keys, storageOf } from "./s3.ts";
import { defaultDirOf, safeName, thisSystem, type System } from "./system.ts";
import { apiTokens, checkTokens, TOKEN_VARIABLE, type ApiToken } from "./tokens.ts";
import type { Config, MainProcess, S3Place } from "./config.ts";
import { configSchema, type ConfigFile, type ConfigKey } from "./schema.ts";
import { fromEnvironment } from "./variables.ts";

export interface Loaded {
  config: Readonly<Config>;
  /** What was given, from all sources: for comparing, never to be shown. */
  given: ConfigFile;
  /** Of the API over TCP. Apart from the rest, so that nobody gets them by the way. */
  tokens: readonly ApiToken[];
  /** Of S3, apart for the same reason; absent: local storage. */
  s3Keys: S3Keys | undefined;
  /** Variables that tokens and keys were read from: to be forgotten, so that no child and no other user of the machine gets them. */
  secretVariables: readonly string[];
  /** Sentences that belong into the daemon's log. */
  notices: readonly string[];
  /** Those that somebody should do something about. */
  warnings: readonly string[];
}

const PATH_KEYS = [
  "state_dir",
  "socket_path",
  "log_dir",
  "default_dir",
  "process_working_dir",
  "components_dir",
  "write_dir",
] as const;

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

const withDefaults = (
  merged: ConfigFile,
  system: System,
  at: Places,
  { main, s3, configFile, logLevel }: Parts,
): Config => ({
  main,
  s3,
  configFile,
  services: configFile === undefined ? undefined : Object.freeze(merged.services ?? {}),
  shutdownTimeoutMs: shutdownMs(merged, main),

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
  logLevel,
  logJson: merged.log_json ?? configSchema.properties.log_json.default,
  debug: merged.debug ?? configSchema.properties.debug.default,
  defaultDir: defaultDirOf(merged.default_dir, system.env["HOME"]),
  isDefaultDirChosen: Boolean(merged.default_dir),
  defaultUser: merged.default_user ?? undefined,
  retentionAgeMs: milliseconds(
    merged.retention?.age ?? configSchema.properties.retention.properties.age.default,
  ),
  retentionBytes:
    merged.retention?.bytes ?? configSchema.properties.retention.properties.bytes.default,
  spriteName: merged.sprite_name ?? safeName(system.hostname),
  reaper: merged.reaper ?? configSchema.properties.reaper.default,
  exec: execPlace(merged, system.cwd),
  keepAliveOnError:
    merged.keep_alive_on_error ?? configSchema.properties.keep_alive_on_error.default,
  apiMaxWaitMs: milliseconds(
    merged.api_max_wait_time ?? configSchema.properties.api_max_wait_time.default,
  ),
  components: componentsOf(merged, system.cwd),
  writeDir: merged.write_dir ?? undefined,
});

/** What has more to it than a default. */
interface Parts {
  main: MainProcess | undefined;
  s3: S3Place | undefined;
  configFile: string | undefined;
  logLevel: Config["logLevel"];
}

function refuseContradictions(config: Config): void {
  if (config.logTotalBytes >= config.logRotateBytes) return;
  throw new AppError(
    "config_invalid",
    `log_total_bytes is ${config.logTotalBytes}, less than the ${config.logRotateBytes} of log_rotate_bytes: ` +
      "all logs together need at least the size of one",
    { details: { field: "log_total_bytes" } },
  );
}

const NO_WRITE_DIR = new AppError(
  "config_invalid",
  "SPRITE_WRITE_DIR is not set, and spritectl keeps its state below it: set it (usually /dev/fly_vol), or name the directory with --juicefs-dir",
  { details: { field: "write_dir" } },
);

/** What tokens and keys stand below, in the file. */
const SECRET_FIELDS = /^(api_tokens|s3)\b/;

const LOCAL = "storage is local: no S3 setting is in effect";
const inS3 = ({ endpoint, bucket }: S3Place): string => `storage is S3: ${bucket} at ${endpoint}`;

/** The later layer wins; of S3 each key by itself. */
function mergedOf(layers: readonly ConfigLayer[]): ConfigFile {
  const all = layers.map(({ values }) => values);
  const s3 = Object.assign({}, ...all.map((values) => values.s3)) as ConfigFile["s3"];
  return Object.assign({}, ...all, { s3 }) as ConfigFile;
}

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

const commandOf = ({ command = [] }: Flags): ConfigFile =>
  command.length > 0 ? { process_command: [...command] } : {};

/** The word of the source that wins; in one source a level says more than `debug`, and a later source may take `debug` back. */
function logLevelOf(layers: readonly ConfigLayer[], isDebug: boolean): Config["logLevel"] {
  for (const { values } of layers.toReversed()) {
    if (values.log_level) return values.log_level;
    if (values.debug && isDebug) return "debug";
  }
  return "info";
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
    { source: "flag", values: { ...given(fromFlags(flags.values), cwd), ...commandOf(flags) } },
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
  const merged = mergedOf(layers);
  const written = { ...env, SPRITE_WRITE_DIR: merged.write_dir ?? undefined };
  const at = absolute(places(written, system.uid, system.canWrite, chosenPlaces(merged)), cwd);
  refuseLongSocket(at.socketPath);
  const main = mainProcess(merged);
  const storage = storageOf(merged, read?.missing ?? new Map());
  const configFile = flags.configFile === undefined ? undefined : resolve(cwd, flags.configFile);
  const parts = {
    main,
    s3: storage?.place,
    configFile,
    logLevel: logLevelOf(layers, merged.debug === true),
  };
  const config = Object.freeze(withDefaults(merged, system, at, parts));
  refuseContradictions(config);
  if (system.program === "spritectl" && !merged.write_dir) throw NO_WRITE_DIR;
  const tokens = apiTokens(merged, env);
  const { apiListen } = config;
  const warnings = apiListen ? checkTokens(apiListen, tokens, env) : [];
  return {
    config,
    given: merged,
    tokens,
    s3Keys: storage?.keys,
    secretVariables: [
      TOKEN_VARIABLE,
      S3_VARIABLES.access_key,
      S3_VARIABLES.secret_key,
      ...(read?.from ?? [])
        .filter(({ field }) => SECRET_FIELDS.test(field))
        .map(({ variable }) => variable),
    ],
    notices: [...at.notices, storage ? inS3(storage.place) : LOCAL],
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
