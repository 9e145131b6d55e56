import { resolve } from "node:path";
import { wantedServices } from "../api/configured.ts";
import { flagOf, parseFlags } from "../config/flags.ts";
import { type Loaded, loadConfig, readLayers } from "../config/load.ts";
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

/** Places have defaults that depend on the machine: they are shown as they are in effect. */
const PLACES = {
  state_dir: "stateDir",
  socket_path: "socketPath",
  log_dir: "logDir",
  default_dir: "defaultDir",
  sprite_name: "spriteName",
} as const satisfies { readonly [Key in ConfigKey]?: keyof Config };

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
    const layer = layers.findLast(({ values }) => values[key] !== undefined);
    const value = isPlace(key)
      ? loaded.config[PLACES[key]]
      : (layer?.values[key] ?? defaultOf(key));
    return { key, value: redacted(key, value), from: fromOf(key, layer?.source, flags.configFile) };
  });
  return { keys, loaded };
}

/** Checks a file with the services and components in it, and starts nothing. @throws AppError as `loadConfig` and `wantedServices` */
export function configChecked(file: string): Loaded {
  const system = thisSystem();
  const loaded = loadConfig(parseFlags(["--config", file]), system);
  wantedServices(loaded.config, system.env);
  return loaded;
}

const isPlace = (key: ConfigKey): key is keyof typeof PLACES => Object.hasOwn(PLACES, key);

const defaultOf = (key: ConfigKey): unknown =>
  (configSchema.properties[key] as { default?: unknown }).default ?? null;

function fromOf(
  key: ConfigKey,
  source: "file" | "environment" | "flag" | undefined,
  file: string | undefined,
): string {
  if (source === "file") return `file ${resolve(file ?? "")}`;
  if (source === "environment")
    return `environment ${key === "s3" ? Object.values(S3_VARIABLES).join(", ") : VARIABLES[key]}`;
  if (source === "flag" && key === "process_command") return "command line, after --";
  return source === "flag" ? `flag --${flagOf(key)}` : "default";
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
