import { AppError } from "../base/errors.ts";
import type { Env } from "./places.ts";
import { s3FromEnvironment } from "./s3.ts";
import type { ConfigFile, ConfigKey } from "./schema.ts";

/** The variable of each key that has one; those of S3 are in s3.ts. */
export const VARIABLES: { readonly [Key in ConfigKey]?: string } = {
  state_dir: "SPRITE_ENV_STATE_DIR",
  socket_path: "SPRITE_ENV_SOCKET",
  write_dir: "SPRITE_WRITE_DIR",
  local_mode: "SPRITE_LOCAL_MODE",
  keep_alive_on_error: "SPRITE_KEEP_ALIVE_ON_ERROR",
};

const SWITCHES = new Set<string>(["local_mode", "keep_alive_on_error"]);
const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  "1": true,
  false: false,
  "0": false,
};

/**
 * What the environment says. An empty variable is none.
 *
 * @throws AppError `config_invalid` for a switch that is neither true nor false
 */
export function fromEnvironment(env: Env): ConfigFile {
  const found = Object.entries(VARIABLES).flatMap(([key, variable]) => {
    const text = env[variable];
    if (!text) return [];
    return [[key, SWITCHES.has(key) ? switched(variable, text) : text] as const];
  });
  const s3 = s3FromEnvironment(env);
  return { ...Object.fromEntries(found), ...(s3 && { s3 }) };
}

function switched(variable: string, text: string): boolean {
  const value = WORDS[text.toLowerCase()];
  if (value !== undefined) return value;
  throw new AppError(
    "config_invalid",
    `${variable} is "${text.slice(0, 80)}": allowed is true or false`,
    { details: { field: variable, allowed: "true or false" } },
  );
}
