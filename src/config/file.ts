import { readFileSync } from "node:fs";
import { jsonProblem } from "../base/json.ts";
import { AppError, messageOf } from "../base/errors.ts";
import { checker } from "./checker.ts";
import type { Env } from "./places.ts";
import { configSchema, type ConfigFile } from "./schema.ts";
import { substitute } from "./substitute.ts";

/** A configuration file as it was read. */
interface ReadFile {
  values: ConfigFile;
  /** The variables that stand in it, by key. */
  variables: ReadonlyMap<string, readonly string[]>;
  /** Variables that stand under `s3` and are not set, by its keys: no harm unless S3 is used. */
  missing: ReadonlyMap<string, string>;
}

const MAX_BYTES = 1_048_576;
const check = checker(configSchema);

const wrong = (file: string, message: string, cause?: unknown): AppError =>
  new AppError("config_invalid", `${file}: ${message}`, { cause });

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= MAX_BYTES) return bytes.toString("utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    throw wrong(file, `the configuration file cannot be read (${messageOf(error)})`, error);
  }
  throw wrong(file, `the configuration file is over ${MAX_BYTES} bytes`);
}

function objectOf(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(file, `not JSON: ${jsonProblem(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw wrong(file, 'a JSON object is expected, such as {"log_level": "info"}');
}

/** A variable's text as the type its key has: "true" for a boolean, "10" for a number. Anything else stays text and is refused by the check. */
function typed(key: keyof ConfigFile, value: unknown): unknown {
  const schema = configSchema.properties[key];
  const type = "type" in schema ? schema.type : undefined;
  const isWord = value === "true" || value === "false";
  if (type === "boolean" && isWord) return value === "true";
  const isNumber = typeof value === "string" && /^-?\d+$/.test(value);
  return type === "integer" && isNumber ? Number(value) : value;
}

/** Takes references to variables that are not set out of `s3`. @returns their names, by key */
function dropMissing(raw: Record<string, unknown>, env: Env): Map<string, string> {
  const missing = new Map<string, string>();
  const { s3 } = raw;
  if (typeof s3 !== "object" || s3 === null) return missing;
  const left = Object.entries(s3).filter(([key, value]: [string, unknown]) => {
    const name = (value as { $env?: unknown } | null)?.$env;
    if (typeof name !== "string" || env[name] !== undefined) return true;
    missing.set(key, name);
    return false;
  });
  raw["s3"] = Object.fromEntries(left);
  return missing;
}

/** Replaces variables under the keys we know; the others are refused anyway, whatever they hold. */
function resolveVariables(
  file: string,
  raw: Record<string, unknown>,
  env: Env,
): Map<string, readonly string[]> {
  const from = new Map<string, readonly string[]>();
  for (const key of Object.keys(configSchema.properties) as (keyof ConfigFile)[]) {
    if (!(key in raw) || key === "services") continue; // those are read where they are understood
    const { value, variables } = substitute(raw[key], `${file}: ${key}`, env);
    if (variables.length > 0) from.set(key, variables);
    raw[key] = variables.length > 0 ? typed(key, value) : value;
  }
  return from;
}

/**
 * Reads a configuration file: JSON, with `{"$env": "NAME"}` anywhere a value stands.
 *
 * @throws AppError `config_invalid` naming file, key, value and what is allowed (a value out of the environment is not
 *   repeated); `not_built_yet` for keys of later releases
 */
export function readConfigFile(file: string, env: Env): ReadFile {
  const raw = objectOf(file, textOf(file));
  delete raw["$schema"]; // for editors
  const missing = dropMissing(raw, env);
  const from = resolveVariables(file, raw, env);
  const problem = check(raw);
  if (!problem) return { values: raw as ConfigFile, variables: from, missing }; // the check has just proved it
  const code = problem.code === "not_built_yet" ? problem.code : "config_invalid";
  const name = from.get(problem.field)?.join(", ");
  const message = name
    ? `${problem.field}, from the environment variable ${name}, is not ${problem.allowed}`
    : problem.message;
  throw new AppError(code, `${file}: ${message}`, {
    details: { field: problem.field, allowed: problem.allowed },
  });
}
