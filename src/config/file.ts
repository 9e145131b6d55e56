import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { jsonProblem } from "../base/json.ts";
import { AppError, type ErrorCode, messageOf } from "../base/errors.ts";
import { checker } from "./checker.ts";
import type { Env } from "./places.ts";
import type { Problem } from "./problem.ts";
import { configSchema, type ConfigFile } from "./schema.ts";
import { type FromVariable, substituteFields } from "./substitute.ts";

/** A configuration file as it was read. */
interface ReadFile {
  values: ConfigFile;
  /** The variables that stand in it. */
  from: readonly FromVariable[];
  /** Variables that stand under `s3` and are not set, by its keys: no harm unless S3 is used. */
  missing: ReadonlyMap<string, string>;
}

const MAX_BYTES = 1_048_576;
const check = checker(configSchema);

const wrong = (file: string, message: string, cause?: unknown): AppError =>
  new AppError("config_invalid", `${file}: ${message}`, { cause });

/** Opened so that nothing is waited for, and read no further than it may be: a FIFO or a terminal would hold the daemon up, a disk would fill its memory. */
function textOf(file: string): string {
  try {
    mustBeOrdinary(file, statSync(file)); // opening some devices already does something
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const descriptor = openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    try {
      mustBeOrdinary(file, fstatSync(descriptor));
      return readAll(file, descriptor)
        .toString("utf8")
        .replace(/^\uFEFF/, "");
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw wrong(file, `the configuration file cannot be read (${messageOf(error)})`, error);
  }
}

function mustBeOrdinary(file: string, stats: Stats): void {
  if (stats.isDirectory()) throw wrong(file, "the configuration file is a directory");
  if (!stats.isFile())
    throw wrong(file, "the configuration file is a FIFO, device or socket, no regular file");
  if (stats.size > MAX_BYTES) throw tooBig(file);
}

/** To its end, whatever size it was said to have: it may grow. */
function readAll(file: string, descriptor: number): Buffer {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (count === 0) return bytes.subarray(0, length);
    length += count;
    if (length > MAX_BYTES) throw tooBig(file);
  }
}

const tooBig = (file: string): AppError =>
  wrong(file, `the configuration file is over ${MAX_BYTES} bytes`);

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
  const { services: _, ...others } = raw; // those are read where they are understood
  const { value, from } = substituteFields(others, { file, schema: configSchema }, env);
  Object.assign(raw, value);
  const problem = check(raw);
  if (!problem) return { values: raw as ConfigFile, from, missing }; // the check has just proved it
  const { field, allowed } = problem;
  throw new AppError(codeOf(problem), `${file}: ${withoutVariable(problem, from)}`, {
    details: { field, allowed },
  });
}

export const codeOf = ({ code }: Problem): ErrorCode =>
  code === "not_built_yet" ? code : "config_invalid";

/** What is wrong, in words, and without the value where that is of the environment. */
export function withoutVariable(
  { field, allowed, message }: Problem,
  from: readonly FromVariable[],
): string {
  const variable = from.find((one) => one.field === field)?.variable;
  return variable === undefined
    ? message
    : `${field}, from the environment variable ${variable}, is not ${allowed}`;
}
