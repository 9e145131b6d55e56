import { userInfo } from "node:os";
import type { EnvValue } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";

/** Carries an incarnation's id into everything it starts: only descendants have it. */
export const MARK = "SPRITE_ENV_INCARNATION";

/** All that a service gets of the daemon's own environment. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ"] as const;

/** Where programs are looked for when nobody says so. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the password file says of our user; nothing where it has no such entry. */
function ofOurUser(): Environment {
  try {
    const { username, homedir, shell } = userInfo();
    const rest = { HOME: homedir, USER: username, LOGNAME: username };
    return shell ? { ...rest, SHELL: shell } : rest;
  } catch {
    return {}; // a container's user need not be in it
  }
}

/**
 * Values in clear, those of the daemon's own variables read now.
 *
 * @throws AppError `service_variable_missing` naming all that the daemon does not have
 */
export function fromDaemon(
  values: { readonly [name: string]: EnvValue },
  daemon: Environment,
): Readonly<Record<string, string>> {
  const missing: string[] = [];
  const entries = Object.entries(values).map(([name, value]) => {
    if (typeof value === "string") return [name, value] as const;
    const found = daemon[value.$env];
    if (found === undefined) missing.push(value.$env);
    return [name, found ?? ""] as const;
  });
  if (missing.length === 0) return Object.fromEntries(entries);
  throw new AppError(
    "service_variable_missing",
    `the daemon's environment has no ${missing.join(", ")}: start it with them, or give the service their values`,
    { details: { variables: missing } },
  );
}

/**
 * The environment of a service: seven variables of the daemon's, its own over them, and the mark. Nothing else gets through: tokens and keys of the daemon stay with it.
 *
 * @param base the daemon's environment
 * @param own the definition's
 */
export function serviceEnvironment(
  base: Environment,
  own: Environment,
  incarnation: string,
): Record<string, string> {
  const user = INHERITED.every((name) => base[name] !== undefined) ? {} : ofOurUser();
  const given: Environment = { PATH: DEFAULT_PATH, ...user };
  const inherited = INHERITED.map((name) => [name, base[name] ?? given[name]] as const);
  const entries = new Map([...inherited, ...Object.entries(own), [MARK, incarnation]]);
  return Object.fromEntries(
    [...entries].filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
