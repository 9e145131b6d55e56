import { dirname, resolve } from "node:path";
import { AppError, ERRORS, type ErrorCode } from "../base/errors.ts";
import type { LogHead } from "../client/client.ts";
import { type Env, places } from "../config/places.ts";
import { thisSystem } from "../config/system.ts";
import type { Store } from "../offline/store.ts";
import { commonArgs, connect, urlOf, type ReachFlags } from "./args.ts";
import { onTerminal, paintError, say } from "./output.ts";

/*
 * Where the questions about the past get their answers: from the store, over a read-only connection in this process. It holds what a live daemon
 * has committed and what a dead one left, and nothing slow runs on a daemon's loop. The socket is asked which store its daemon has,
 * for rows to come (`events --follow`), and for rows where the store may not be read but the socket may be used.
 */

/** Flags of every question about the past. */
export const pastArgs = {
  "state-dir": {
    type: "string",
    valueHint: "path",
    description:
      "State directory whose log is read (else that of the daemon that answers, else where serve would have it)",
  },
  ...commonArgs,
} as const;

export interface PastFlags extends ReachFlags {
  "state-dir"?: string | undefined;
}

/** A store and who looks after it. */
export interface Past {
  store: Store;
  /** Where services' logs are. */
  logDir: string;
  /** Whether a daemon answers whose store this is. */
  daemon: boolean;
}

/**
 * Opens the store that is meant, and closes it when the question is answered.
 *
 * @param options.isQuiet does not say that no daemon answers
 * @throws AppError `not_found` where there is no log, `unauthorized` where it is not for us, `not_found` where the daemon that answers has another one
 */
export async function withPast<Answer>(
  flags: PastFlags & { "log-dir"?: string | undefined },
  use: (past: Past) => Answer | Promise<Answer>,
  { isQuiet = false } = {},
): Promise<Answer> {
  refuseOtherMachine(flags);
  const head = urlOf(flags) === undefined ? await daemonHead({ socket: flags.socket }) : undefined;
  const { cwd, env, uid, canWrite } = thisSystem();
  return asOurs(async () => {
    const { hasStore, holds, logDirOf, openStore } = await import("../offline/store.ts");
    const chosen = flags["state-dir"] ?? head?.state_dir ?? besideSocket(flags, env, hasStore);
    const at = places(env, uid, canWrite, { stateDir: chosen, logDir: flags["log-dir"] });
    const stateDir = resolve(cwd, at.stateDir);
    const store = opened(openStore, stateDir, head !== undefined);
    try {
      const daemon = head !== undefined && holds(store, head);
      if (head && !daemon && flags["state-dir"] === undefined) throw another(store.file);
      if (!daemon && onTerminal() && !isQuiet)
        say(paintError("dim", `no daemon answers; read from ${store.file}`));
      const logDir = resolve(cwd, flags["log-dir"] ?? logDirOf(store) ?? at.logDir);
      return await use({ store, logDir, daemon });
    } finally {
      store.close();
    }
  });
}

/**
 * Whose socket it is that somebody named, where nobody answers on it: a socket lies in its daemon's state directory, or one below, unless it was put
 * elsewhere. The log of the usual place would be another daemon's.
 *
 * @returns undefined where no socket was named, or a state directory was, too
 * @throws AppError `not_found` where no log lies there
 */
function besideSocket(
  { socket }: PastFlags,
  env: Env,
  hasStore: (stateDir: string) => boolean,
): string | undefined {
  const named = socket ?? env["SPRITE_ENV_SOCKET"];
  if (named === undefined || named === "" || env["SPRITE_ENV_STATE_DIR"]) return undefined;
  const folder = dirname(resolve(named));
  const found = [folder, dirname(folder)].find(hasStore);
  if (found !== undefined) return found;
  throw new AppError(
    "not_found",
    `no daemon answers on ${named} that could say where its event log is, and none lies beside it: name its state directory with --state-dir`,
  );
}

/** A store is read where it lies. */
function refuseOtherMachine(flags: PastFlags): void {
  const url = urlOf(flags);
  if (url === undefined || flags["state-dir"] !== undefined) return;
  throw new AppError(
    "invalid_request",
    `this reads the event log itself, and that of the daemon at ${url} lies on its own machine: run it there, or ask for the rows with ` +
      "sprite-env events. To read the log of this machine, name its --socket or --state-dir",
  );
}

/** Opens it, or says where else a log may be. */
function opened(openStore: (stateDir: string) => Store, stateDir: string, answers: boolean): Store {
  try {
    return openStore(stateDir);
  } catch (error) {
    const known = ours(error);
    if (!(known instanceof AppError) || known.code !== "not_found" || answers) throw known;
    const message = `${known.message}. No daemon answers that could say where its log is, either: name its state directory with --state-dir`;
    throw new AppError("not_found", message, { cause: error });
  }
}

const another = (file: string): AppError =>
  new AppError(
    "not_found",
    `the daemon that answers has another event log than ${file}: name its state directory with --state-dir`,
  );

/** How long a daemon may take to say where its log is, in milliseconds: the store can be read without it. */
const PATIENCE_MS = 2_000;

/** What the daemon says of its log; undefined where none answers, or not us. */
export async function daemonHead(reach: ReachFlags): Promise<LogHead | undefined> {
  try {
    return await connect(reach).head({ signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    if (error instanceof AppError && error.code !== "invalid_request") return undefined;
    if (error instanceof Error && error.name === "TimeoutError") return undefined;
    throw error;
  }
}

/**
 * Runs something of offline/ and makes its errors ours. It is compiled beside the CLI's one file, so its AppError is another class
 * of the same name.
 */
async function asOurs<Answer>(run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    throw ours(error);
  }
}

function ours(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const { code } = error as { code?: unknown };
  if (error.name !== "AppError" || typeof code !== "string" || !Object.hasOwn(ERRORS, code))
    return error;
  return new AppError(code as ErrorCode, error.message, { cause: error });
}

/** Says how far a long question is, on standard error, at most once a second and not before the first is over. */
export function progress(what: string): (done: number, of: number) => void {
  const every = 1_000;
  let next = performance.now() + every;
  return (done, of) => {
    if (performance.now() < next) return;
    next = performance.now() + every;
    say(`${what}: ${done} of ${of} (${Math.floor((100 * done) / Math.max(1, of))} %)`);
  };
}
