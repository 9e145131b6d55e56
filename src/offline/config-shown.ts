import { resolve } from "node:path";
import { wantedServices } from "../api/configured.ts";
import { errorAt } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import { mustGoTogether } from "../commands/owned.ts";
import { flagOf, parseFlags } from "../config/flags.ts";
import { type ConfigLayer, type Loaded, loadConfig, readLayers } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import { configSchema, type ConfigKey } from "../config/schema.ts";
import { S3_VARIABLES } from "../config/s3.ts";
import { thisSystem } from "../config/system.ts";
import { VARIABLES } from "../config/variables.ts";

/** A key, its value as it is in effect, and where that came from. */
export interface ShownKey {
  key: string;
  value: unknown;
  /** `default`, `file /etc/sprite-env.json`, `environment SPRITE_ENV_SOCKET`, `flag --socket`. */
  from: string;
}

/** Keys whose default depends on others or on the machine: they are shown as they are in effect. */
const IN_EFFECT: { readonly [Key in ConfigKey]?: (config: Config) => unknown } = {
  state_dir: ({ stateDir }) => stateDir,
  socket_path: ({ socketPath }) => socketPath,
  socket_mode: ({ socketMode }) => `0${socketMode.toString(8)}`,
  log_dir: ({ logDir }) => logDir,
  log_level: ({ logLevel }) => logLevel,
  default_dir: ({ defaultDir }) => defaultDir,
  sprite_name: ({ spriteName }) => spriteName,
  shutdown_timeout: ({ shutdownTimeoutMs }) => formatDuration(shutdownTimeoutMs),
  process_working_dir: ({ exec }) => exec.dir,
};

const KEYS = Object.keys(configSchema.properties) as ConfigKey[]; // the schema's own

/**
 * Every key of the configuration with its value and where that is from. Tokens are not shown.
 *
 * @param words flags of the daemon, as `serve` takes them
 * @throws AppError as `loadConfig`
 */
export function configShown(words: readonly string[]): { keys: ShownKey[]; loaded: Loaded } {
  const flags = parseFlags([...words]);
  const system = thisSystem();
  const { layers } = readLayers(flags, system);
  const loaded = loadConfig(flags, system);
  const keys = KEYS.map((key): ShownKey => {
    const said = layers.filter(({ values }) => values[key] !== undefined);
    const shown = IN_EFFECT[key]?.(loaded.config);
    const value = shown ?? (key === "s3" ? loaded.given.s3 : said.at(-1)?.values[key]);
    return {
      key,
      value: redacted(key, value ?? defaultOf(key)),
      from: fromOf(key, said, flags.configFile) ?? reasonOf(key, layers, flags.configFile),
    };
  });
  return { keys, loaded };
}

/** Checks a file with the services and components in it, as for a machine that has no other services, and starts nothing. @throws AppError as `loadConfig`, `wantedServices` and `mustGoTogether` */
export function configChecked(file: string): Loaded {
  const system = thisSystem();
  const loaded = loadConfig(parseFlags(["--config", file]), system);
  const wanted = wantedServices(loaded.config, system.env);
  try {
    mustGoTogether(wanted);
  } catch (error) {
    throw errorAt(file, error, "config_invalid");
  }
  return loaded;
}

const defaultOf = (key: ConfigKey): unknown =>
  (configSchema.properties[key] as { default?: unknown }).default ?? null;

/** Where a key was said, as a person looks for it; undefined: nowhere. */
function fromOf(
  key: ConfigKey,
  said: readonly ConfigLayer[],
  file: string | undefined,
): string | undefined {
  if (key === "s3" && said.length > 0) return said.map((one) => ofS3(one, file)).join(", ");
  const source = said.at(-1)?.source;
  if (source === "file") return `file ${resolve(file ?? "")}`;
  if (source === "environment") return `environment ${VARIABLES[key]}`;
  if (source === "flag" && key === "process_command") return "command line, after --";
  return source && `flag --${flagOf(key)}`;
}

/** Of S3 each key is from where it was said last: the variables are those that are set. */
function ofS3({ source, values }: ConfigLayer, file: string | undefined): string {
  if (source === "file") return `file ${resolve(file ?? "")}`;
  const keys = Object.keys(values.s3 ?? {}) as (keyof typeof S3_VARIABLES)[]; // the check proved it
  return `environment ${keys.map((key) => S3_VARIABLES[key]).join(", ")}`;
}

/** The key that moved another one's default. */
const FOLLOWS: { readonly [Key in ConfigKey]?: readonly ConfigKey[] } = {
  state_dir: ["write_dir"],
  socket_mode: ["socket_group"],
  log_level: ["debug"],
  shutdown_timeout: ["process_graceful_shutdown_timeout"],
};

function reasonOf(
  key: ConfigKey,
  layers: readonly ConfigLayer[],
  file: string | undefined,
): string {
  for (const other of FOLLOWS[key] ?? []) {
    const said = layers.filter(({ values }) => values[other] !== undefined);
    const from = fromOf(other, said, file);
    if (from !== undefined) return `default, after ${other} (${from})`;
  }
  return "default";
}

const HIDDEN = "(not shown)";

/** What is secret stays where it is: its name is enough. */
function redacted(key: ConfigKey, value: unknown): unknown {
  if (key === "api_tokens" && Array.isArray(value))
    return value.map((one: object) => ({ ...one, token: HIDDEN }));
  if (key === "process_environment" && Array.isArray(value))
    return value.map((one) => String(one).replace(/=[\s\S]*$/, `=${HIDDEN}`));
  if (key === "s3" && typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, name.endsWith("_key") ? HIDDEN : one]),
    );
  return key === "services" ? Object.keys(value as object) : value;
}
