import { userInfo } from "node:os";

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
