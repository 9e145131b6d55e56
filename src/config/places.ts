import { isAbsolute, join } from "node:path";
import { AppError } from "../base/errors.ts";

/** Longest path of a Unix socket: `sun_path` has 108 bytes, the last one is NUL. Source: unix(7). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Environment variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Where a daemon keeps what it has. */
export interface Places {
  /** The event log and run files. */
  stateDir: string;
  socketPath: string;
  /** Logs of services. */
  logDir: string;
  /** Sentences for people about places that are not where they would look first. */
  notices: readonly string[];
}

/** Places that somebody named; they win over every default. */
export type ChosenPlaces = {
  readonly [Place in "stateDir" | "socketPath" | "logDir"]?: string | undefined;
};

/** Where everything of a sprite lies inside the machine. */
const SPRITE_ROOT = "/.sprite";
const SPRITE_SOCKET = join(SPRITE_ROOT, "api.sock");

/**
 * A variable with a path in it. A relative path under an XDG name counts as none.
 * Source: XDG Base Directory Specification, "All paths set in these environment variables must be absolute".
 */
const xdg = (env: Env, name: string): string | undefined => {
  const path = env[name];
  return path !== undefined && isAbsolute(path) ? path : undefined;
};

const userStateDir = (env: Env): string | undefined => {
  const stateHome = xdg(env, "XDG_STATE_HOME");
  if (stateHome) return join(stateHome, "sprite-env");
  return env["HOME"] ? join(env["HOME"], ".local/state/sprite-env") : undefined;
};

const stateDirOf = (env: Env, root: boolean): string | undefined => {
  if (env["SPRITE_ENV_STATE_DIR"]) return env["SPRITE_ENV_STATE_DIR"];
  if (env["SPRITE_WRITE_DIR"]) return join(env["SPRITE_WRITE_DIR"], ".sprite");
  return root ? SPRITE_ROOT : userStateDir(env);
};

const runtimeSocket = (env: Env): string | undefined => {
  const runtimeDir = xdg(env, "XDG_RUNTIME_DIR");
  return runtimeDir && join(runtimeDir, "sprite-env/api.sock");
};

const fallbackSocket = (stateDir: string): string => join(stateDir, "run/api.sock");

function stateDirOrThrow(env: Env, root: boolean): string {
  const stateDir = stateDirOf(env, root);
  if (stateDir) return stateDir;
  throw new AppError(
    "config_invalid",
    "neither XDG_STATE_HOME nor HOME is set, so there is no place for the state: name one with --state-dir",
  );
}

function socketOf(env: Env, root: boolean, stateDir: string): { path: string; notices: string[] } {
  const named = env["SPRITE_ENV_SOCKET"] || (root ? SPRITE_SOCKET : runtimeSocket(env));
  if (named) return { path: named, notices: [] };
  const path = fallbackSocket(stateDir);
  return { path, notices: [`XDG_RUNTIME_DIR is not set, so the API socket is ${path}`] };
}

/**
 * The places of a daemon: what was chosen, else what the environment names, else the defaults.
 *
 * As root, where `/.sprite` can be written, everything lies there; `SPRITE_WRITE_DIR` moves the state alone.
 * Otherwise the XDG directories. Without XDG_RUNTIME_DIR the socket goes into a directory of its own under
 * the state directory, and a notice says so.
 *
 * @param canWrite whether a directory can be written, or made where it is missing
 * @throws AppError `config_invalid` where nothing names a place for the state
 */
export function places(
  env: Env,
  uid: number,
  canWrite: (directory: string) => boolean,
  chosen: ChosenPlaces = {},
): Places {
  const root = uid === 0 && canWrite(SPRITE_ROOT);
  const stateDir = chosen.stateDir ?? stateDirOrThrow(env, root);
  const socket = chosen.socketPath
    ? { path: chosen.socketPath, notices: [] }
    : socketOf(env, root, stateDir);
  const logDir = chosen.logDir ?? join(root ? SPRITE_ROOT : stateDir, "logs/services");
  return { stateDir, socketPath: socket.path, logDir, notices: socket.notices };
}

/**
 * Where a client looks for a daemon's socket, in this order: the one that was named alone, else every place a daemon
 * takes by default, one's own first.
 */
export function socketPlaces(env: Env, uid: number, chosen?: string): string[] {
  const named = chosen ?? env["SPRITE_ENV_SOCKET"];
  if (named) return [named];
  const stateDir = stateDirOf(env, false);
  const own = runtimeSocket(env) ?? (stateDir && fallbackSocket(stateDir));
  if (!own) return [SPRITE_SOCKET];
  return uid === 0 ? [SPRITE_SOCKET, own] : [own, SPRITE_SOCKET];
}
