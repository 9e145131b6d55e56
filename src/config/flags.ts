import { AppError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { configSchema, type ConfigKey } from "./schema.ts";

/** The daemon's command line, read but not checked: texts by configuration key. */
export interface Flags {
  values: Partial<Record<ConfigKey, string>>;
  configFile?: string;
  /** What stands after --: the main process. */
  command?: readonly string[];
  version: boolean;
  help: boolean;
}

/** Flags that are not just a key with dashes for underscores. */
const SHORTER: Partial<Record<ConfigKey, string>> = {
  socket_path: "socket",
  api_listen_addr: "listen",
  inspector_listen_addr: "inspector-listen",
  process_graceful_shutdown_timeout: "graceful-shutdown-timeout",
  write_dir: "juicefs-dir",
};

/** Whether a key stands in the configuration file alone: lists and objects do, and with them the tokens, since a command line is for all to read. */
export const inFileAlone = (key: ConfigKey): boolean => {
  const schema = configSchema.properties[key];
  return "type" in schema && (schema.type === "array" || schema.type === "object");
};

const ALL_KEYS = Object.keys(configSchema.properties) as ConfigKey[]; // they are the schema's own
const KEYS = ALL_KEYS.filter((key) => !inFileAlone(key));

/** `state_dir` → `state-dir`: a key as it stands on the command line. */
export const flagOf = (key: ConfigKey): string => SHORTER[key] ?? key.replaceAll("_", "-");

const KEY_OF = new Map<string, ConfigKey>(
  KEYS.flatMap((key) => [
    [flagOf(key), key],
    [key.replaceAll("_", "-"), key],
  ]),
);
const OWN = ["config", "version", "help", "h"];
const BOOLEAN = new Set<string>([
  ...ALL_KEYS.filter((key) => {
    const schema = configSchema.properties[key];
    return "type" in schema && schema.type === "boolean";
  }).map(flagOf),
  "version",
  "help",
  "h",
]);

/** Flags of later releases: refused by name. */
const LATER = new Set(["proxy-listen", "proxy-listen-addr"]);

const wrong = (message: string): AppError => new AppError("config_invalid", message);

const later = (what: string, without: string): AppError =>
  new AppError(
    "not_built_yet",
    `${what} is known, but this release does not act on it yet: ${without}`,
  );

function refuseUnknown(name: string): void {
  if (LATER.has(name)) throw later(`--${name}`, "leave it out");
  if (KEY_OF.has(name) || OWN.includes(name)) return;
  const key = name.replaceAll("-", "_");
  if (ALL_KEYS.some((one) => one === key && inFileAlone(one))) {
    throw wrong(`${key} is no flag: write it into the configuration file (--config)`);
  }
  const guess = nearest(name, [...KEY_OF.keys(), ...OWN, ...LATER]);
  const hint = guess ? `did you mean --${guess}?` : "--help lists them";
  throw wrong(`there is no flag --${name}: ${hint}`);
}

function record(flags: Flags, name: string, value: string): void {
  const key = KEY_OF.get(name);
  if (key) flags.values[key] = value;
  if (name === "config" && value === "")
    throw wrong('--config is "": allowed is the path of a file');
  if (name === "config") flags.configFile = value;
  if (name === "version") flags.version = value !== "false";
  if (name === "help" || name === "h") flags.help = value !== "false";
}

/** The value that follows a flag. Another flag is none: `--state-dir --debug` would make a directory of that name. */
function valueAfter(name: string, next: string | undefined): string {
  if (next !== undefined && !next.startsWith("-")) return next;
  throw wrong(`--${name} needs a value: --${name} VALUE or --${name}=VALUE`);
}

/** What is no flag. @throws AppError unless it is the -- before the main process */
function refuseStray(argument: string): void {
  if (argument === "--") return;
  throw wrong(
    `unexpected argument "${argument}": flags of the daemon begin with - or --, and a command to supervise stands after --`,
  );
}

/**
 * Reads the daemon's flags, with one or two dashes, as `-name value`, `-name=value` or, where they are switches, `-name`. A later one wins.
 *
 * @throws AppError `config_invalid` for an unknown flag, a missing value or an argument that is no flag;
 *   `not_built_yet` for flags of later releases
 */
export function parseFlags(argv: readonly string[]): Flags {
  const flags: Flags = { values: {}, version: false, help: false };
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const [, name, , given] = /^--?([A-Za-z][^=]*)(=([\s\S]*))?$/.exec(argument) ?? [];
    if (name === undefined) {
      refuseStray(argument);
      return { ...flags, command: argv.slice(index + 1) };
    }
    refuseUnknown(name);
    const value = given ?? (BOOLEAN.has(name) ? "true" : valueAfter(name, argv[++index]));
    record(flags, name, value);
  }
  return flags;
}
