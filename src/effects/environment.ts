import { userInfo } from "node:os";
import type { EnvValue } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";

/** Carries an incarnation's id into everything it starts: only descendants have it. */
export const MARK = "SPRITE_ENV_INCARNATION";

/** All that a service gets of the daemon's own environment. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ"] as const;

/** Where programs are looked for when nobody says so. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

/** Variables by which the daemon is trusted: no service gets them, whatever it asks for. */
const OWN_SECRETS =
  /^SPRITE_(.*_)?(TOKEN|KEY|KEY_ID|SECRET|PASSWORD|PASSPHRASE|CREDENTIALS)(_FILE)?$/;

const isOwnSecret = (name: string): boolean => OWN_SECRETS.test(name);

/**
 * Refuses variables that the daemon keeps to itself, or does not have.
 *
 * @throws AppError `invalid_request` and `service_variable_missing`, naming all of them
 */
export function mustBeGiven(
  values: { readonly [name: string]: EnvValue },
  daemon: Environment,
): void {
  const asked = Object.entries(values).flatMap(([name, value]) =>
    typeof value === "string" ? [] : [{ name, of: value.$env }],
  );
  const own = asked.find(({ of }) => isOwnSecret(of));
  if (own) {
    const message = `env.${own.name} asks for ${own.of}, a secret of the daemon's own, which no service gets: give the service a value of its own`;
    throw new AppError("invalid_request", message, {
      details: { field: `env.${own.name}`, allowed: "another variable, or a text" },
    });
  }
  const missing = asked.map(({ of }) => of).filter((of) => daemon[of] === undefined);
  if (missing.length > 0) throw lacking([...new Set(missing)]);
}

const lacking = (variables: readonly string[]): AppError =>
  new AppError(
    "service_variable_missing",
    `the daemon's environment has no ${variables.join(", ")}: start it with them, or give the service their values`,
    { details: { variables } },
  );

/**
 * Values in clear, those of the daemon's own variables read now.
 *
 * @throws AppError as `mustBeGiven`
 */
export function fromDaemon(
  values: { readonly [name: string]: EnvValue },
  daemon: Environment,
): Readonly<Record<string, string>> {
  mustBeGiven(values, daemon);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? value : (daemon[value.$env] ?? ""),
    ]),
  );
}

/** What our launcher gives the daemon for itself. */
const LAUNCHERS = new Set(["SPRITE_ENV_PROGRAM", "SPRITE_ENV_NOFILE", "UV_THREADPOOL_SIZE", MARK]);
/** What a definition can name. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** All variables of the daemon that the main process gets, by reference: what was started with it expects them. */
export const daemonVariables = (daemon: Environment): { [name: string]: { $env: string } } =>
  Object.fromEntries(
    Object.keys(daemon)
      .filter((name) => NAME.test(name) && !isOwnSecret(name) && !LAUNCHERS.has(name))
      .toSorted()
      .map((name) => [name, { $env: name }]),
  );

/** What the machine's list of users says of one: the home that a service of that user begins in, and its shell. */
interface UserEntry {
  name: string;
  home: string;
  shell: string;
}

/** What a program finds out about its user from its environment. Source: environ(7); passwd(5), an empty shell. */
const ofUser = ({ name, home, shell }: UserEntry): Environment => ({
  HOME: home,
  USER: name,
  LOGNAME: name,
  SHELL: shell || "/bin/sh",
});

/**
 * The environment of a service: seven variables of the daemon's, its own over them, and the mark. Nothing else gets through: tokens and keys of the daemon stay with it.
 *
 * @param base the daemon's environment
 * @param own the definition's, and those of its file
 * @param user whom the definition names: then four of the seven are of that user
 */
export function serviceEnvironment(
  base: Environment,
  own: Environment,
  incarnation: string,
  user?: UserEntry,
): Record<string, string> {
  const fixed: Environment = user ? ofUser(user) : {};
  const isWhole = user !== undefined || INHERITED.every((name) => base[name] !== undefined);
  const spare: Environment = { PATH: DEFAULT_PATH, ...(isWhole ? {} : ofOurUser()) };
  const inherited = INHERITED.map(
    (name) => [name, fixed[name] ?? base[name] ?? spare[name]] as const,
  );
  const entries = new Map([...inherited, ...Object.entries(own), [MARK, incarnation]]);
  return Object.fromEntries(
    [...entries].filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
