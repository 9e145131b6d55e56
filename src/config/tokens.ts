import { AppError } from "../base/errors.ts";
import { addressText, isLoopback, type ListenAddress } from "./listen.ts";
import type { Env } from "./places.ts";
import type { ConfigFile } from "./schema.ts";

/** Who has this may use the API over TCP. */
export interface ApiToken {
  /** What events call whoever used it: `token:NAME`. */
  name: string;
  token: string;
  /** May look, but change nothing, and sees no values of `env`. */
  readOnly: boolean;
}

/** The variable with the token that may do everything. */
export const TOKEN_VARIABLE = "SPRITE_HTTP_API_TOKEN";
/** What that token is called. */
const DEFAULT_NAME = "default";
/** A shorter one can be guessed: it is for one's own machine alone. */
const MIN_TOKEN_BYTES = 16;
/** Printable ASCII without spaces: anything else no header carries as it stands. Source: RFC 9110, section 5.5. */
const TOKEN_PATTERN = /^[\x21-\x7e]{1,4096}$/;

const wrong = (message: string, field: string): AppError =>
  new AppError("config_invalid", message, { details: { field } });

/** The token of the environment; undefined where there is none, or an empty one. */
function ofEnvironment(env: Env): ApiToken | undefined {
  const token = env[TOKEN_VARIABLE];
  return token ? { name: DEFAULT_NAME, token, readOnly: false } : undefined;
}

const ofFile = ({ api_tokens: given }: ConfigFile): ApiToken[] =>
  (given ?? []).map(({ name, token, read_only: readOnly = false }) => ({ name, token, readOnly }));

/** Where a token comes from, for messages: never the token itself. */
const sourceOf = ({ name }: ApiToken, env: Env): string =>
  name === DEFAULT_NAME && env[TOKEN_VARIABLE] ? TOKEN_VARIABLE : `the token "${name}"`;

function refuseBad(token: ApiToken, env: Env): void {
  if (TOKEN_PATTERN.test(token.token)) return;
  throw wrong(
    `${sourceOf(token, env)} has spaces, line ends or characters that no header can carry, or over 4096 of them: choose another`,
    "api_tokens",
  );
}

function refuseTwice(tokens: readonly ApiToken[], key: "name" | "token"): void {
  const seen = new Map<string, ApiToken>();
  for (const one of tokens) {
    const other = seen.get(one[key]);
    if (other) {
      const what =
        key === "name"
          ? `two tokens are called "${one.name}"${one.name === DEFAULT_NAME ? ` (${TOKEN_VARIABLE} has that name)` : ""}`
          : `the tokens "${other.name}" and "${one.name}" are the same`;
      throw wrong(`api_tokens: ${what}`, "api_tokens");
    }
    seen.set(one[key], one);
  }
}

/**
 * The tokens of the API: the one of the environment, then those of the configuration file.
 *
 * @throws AppError `config_invalid` naming the token, never repeating it: two of one name or value, or one that no header can carry
 */
export function apiTokens(file: ConfigFile, env: Env): readonly ApiToken[] {
  const own = ofEnvironment(env);
  const tokens = [...(own ? [own] : []), ...ofFile(file)];
  for (const one of tokens) refuseBad(one, env);
  refuseTwice(tokens, "name");
  refuseTwice(tokens, "token");
  return tokens;
}

/**
 * Holds the tokens against the address: without one nothing listens, and one that can be guessed is for loopback alone.
 *
 * @returns sentences for the daemon's log
 * @throws AppError `config_invalid` naming what is missing or too short
 */
export function checkTokens(
  address: ListenAddress,
  tokens: readonly ApiToken[],
  env: Env,
): string[] {
  const where = addressText(address);
  if (tokens.length === 0) {
    throw wrong(
      `the API is to listen on ${where}, and ${TOKEN_VARIABLE} is not set: set it (at least ${MIN_TOKEN_BYTES} bytes, such as from "openssl rand -hex 32"), or give api_tokens in the configuration file`,
      "api_tokens",
    );
  }
  const short = tokens.filter(({ token }) => token.length < MIN_TOKEN_BYTES);
  const names = short.map((token) => sourceOf(token, env)).join(" and ");
  if (short.length > 0 && !isLoopback(address)) {
    throw wrong(
      `${names} has under ${MIN_TOKEN_BYTES} bytes and could be guessed: on ${where} choose a longer one, or listen on 127.0.0.1 alone`,
      "api_tokens",
    );
  }
  if (short.length === 0) return [];
  return [
    `${names} has under ${MIN_TOKEN_BYTES} bytes: enough for this machine alone, too short to listen anywhere else`,
  ];
}
