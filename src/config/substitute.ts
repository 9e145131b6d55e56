import { AppError } from "../base/errors.ts";
import type { Env } from "./places.ts";

/** A value with its `{"$env": "NAME"}` replaced. */
interface Substituted {
  value: unknown;
  /** The variables it came from. */
  variables: readonly string[];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function variable(reference: Readonly<Record<string, unknown>>, at: string, env: Env): Substituted {
  const name = reference["$env"];
  if (typeof name !== "string" || name === "" || Object.keys(reference).length > 1) {
    throw new AppError(
      "config_invalid",
      `${at}: {"$env": …} takes the name of one environment variable and nothing beside it`,
    );
  }
  const value = env[name];
  if (value !== undefined) return { value, variables: [name] };
  throw new AppError(
    "config_invalid",
    `${at} comes from the environment variable ${name}, which is not set: set it, or write the value`,
  );
}

/**
 * Replaces every `{"$env": "NAME"}` in a value, at any depth, by that variable's text.
 *
 * @param at where the value stands, for messages
 * @throws AppError `config_invalid` naming the place and the variable that is not set
 */
export function substitute(value: unknown, at: string, env: Env): Substituted {
  if (isObject(value) && "$env" in value) return variable(value, at, env);
  if (Array.isArray(value))
    return combined(value.map((one, i) => substitute(one, `${at}[${i}]`, env)));
  if (!isObject(value)) return { value, variables: [] };
  const keys = Object.keys(value);
  const parts = combined(keys.map((key) => substitute(value[key], `${at}.${key}`, env)));
  return { ...parts, value: Object.fromEntries(keys.map((key, i) => [key, parts.value[i]])) };
}

const combined = (parts: readonly Substituted[]): { value: unknown[]; variables: string[] } => ({
  value: parts.map((part) => part.value),
  variables: parts.flatMap((part) => part.variables),
});
