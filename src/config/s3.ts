import { AppError } from "../base/errors.ts";
import type { Env } from "./places.ts";
import type { S3Place } from "./config.ts";
import type { ConfigFile } from "./schema.ts";

type Key = keyof NonNullable<ConfigFile["s3"]>;

/** The variable of each key of `s3`. */
export const S3_VARIABLES: Readonly<Record<Key, string>> = {
  access_key: "SPRITE_S3_ACCESS_KEY",
  secret_key: "SPRITE_S3_SECRET_ACCESS_KEY",
  endpoint: "SPRITE_S3_ENDPOINT_URL",
  bucket: "SPRITE_S3_BUCKET",
  region: "SPRITE_S3_REGION",
};

const KEYS = Object.keys(S3_VARIABLES) as Key[]; // the table's own
const REQUIRED = KEYS.filter((key) => key !== "region");
const DEFAULT_REGION = "us-east-1";

/** What the variables say of S3, over what the file says; undefined where neither says anything. */
export function s3FromEnvironment(env: Env): ConfigFile["s3"] {
  const found = KEYS.flatMap((key) => {
    const value = env[S3_VARIABLES[key]];
    return value ? [[key, value] as const] : [];
  });
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

/** Keys of S3, for whoever talks to it. */
export interface S3Keys {
  accessKey: string;
  secretKey: string;
}

/**
 * Where to store: S3 where something of it is set and local mode is off, else here.
 *
 * @param missing variables that the file names under `s3` and that are not set, by key
 * @throws AppError `config_invalid` naming the first variable that is missing of S3, or an endpoint that is no address
 */
export function storageOf(
  { s3: given = {}, local_mode: isLocal }: ConfigFile,
  missing: ReadonlyMap<string, string>,
): { place: S3Place; keys: S3Keys } | undefined {
  const set = KEYS.filter((key) => given[key]);
  if (isLocal || set.length === 0) return undefined;
  const lacking = REQUIRED.find((key) => !given[key]);
  if (lacking) {
    const variable = missing.get(lacking) ?? S3_VARIABLES[lacking];
    throw new AppError(
      "config_invalid",
      `S3 is to be used (s3.${set.join(", s3.")} is set), and ${variable} is not set: set it, or s3.${lacking} in the configuration file, or SPRITE_LOCAL_MODE=true to store here`,
      { details: { field: `s3.${lacking}` } },
    );
  }
  const text = (key: Key): string => given[key] ?? "";
  if (text("endpoint").includes("@"))
    throw new AppError(
      "config_invalid",
      "s3.endpoint (SPRITE_S3_ENDPOINT_URL) has a user or password in it, and it is shown and logged: leave them out, and give s3.access_key and s3.secret_key",
      { details: { field: "s3.endpoint", allowed: "an address: https://s3.example.com" } },
    );
  if (!URL.canParse(text("endpoint")) || !/^https?:/.test(text("endpoint")))
    throw new AppError(
      "config_invalid",
      `s3.endpoint (SPRITE_S3_ENDPOINT_URL) is "${text("endpoint").slice(0, 80)}": allowed is an address such as https://s3.example.com`,
      { details: { field: "s3.endpoint", allowed: "an address: https://s3.example.com" } },
    );
  return {
    place: Object.freeze({
      endpoint: text("endpoint"),
      bucket: text("bucket"),
      region: given.region ?? DEFAULT_REGION,
    }),
    keys: { accessKey: text("access_key"), secretKey: text("secret_key") },
  };
}
