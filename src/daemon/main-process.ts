import type { ServiceContext } from "../../machines/service-context.ts";
import { exitCodeOf } from "../commands/streams.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import { MAIN } from "../api/configured.ts";

/** How the main process came to its end, and none follows. */
export interface MainEnd {
  /** What a shell would give for it. Source: POSIX, 2.8.2: 128 and the signal's number; 127 not found, 126 cannot be run. */
  exitCode: number;
  /** In words; undefined where it succeeded. */
  failure: string | undefined;
  /** Resolves when it runs again: somebody started it. */
  again: Promise<unknown>;
}

const STREAM = `service/${MAIN}`;
const OVER = new Set(["stopped", "failed"]);

/** Resolves when the main process has ended by itself and no try follows. One that a person stopped may start again, and is waited for. */
export async function mainEnded(dispatcher: Pick<Dispatcher, "view" | "listen">): Promise<MainEnd> {
  const end = await until(dispatcher, () => endOfMain(dispatcher));
  const back = (): true | undefined => (endOfMain(dispatcher) ? undefined : true);
  return { ...end, again: until(dispatcher, back) };
}

/** Resolves as soon as what is looked for is there. */
function until<Value>(
  dispatcher: Pick<Dispatcher, "listen">,
  find: () => Value | undefined,
): Promise<Value> {
  const { promise, resolve } = Promise.withResolvers<Value>();
  const look = (): void => {
    const found = find();
    if (found === undefined) return;
    unlisten();
    resolve(found);
  };
  const unlisten = dispatcher.listen((rows) => {
    if (rows.some(({ stream }) => stream === STREAM || stream === ENVIRONMENT)) look();
  });
  look();
  return promise;
}

/** How it ended; undefined while it goes on, is to be tried again, or was stopped by a person. */
function endOfMain({ view }: Pick<Dispatcher, "view">): Omit<MainEnd, "again"> | undefined {
  const main = view.service(MAIN);
  if (!main || !OVER.has(main.phase) || main.context.desired !== "running") return undefined;
  return view.environment()?.phase === "ready" ? endOf(main) : undefined;
}

/** Its exit code at the end of everything; 0 where it never ran. */
export const mainExitCode = ({ view }: Pick<Dispatcher, "view">): number => {
  const main = view.service(MAIN);
  return main ? endOf(main).exitCode : 0;
};

function endOf({
  phase,
  context,
}: {
  phase: string;
  context: ServiceContext;
}): Omit<MainEnd, "again"> {
  const { lastExit, error } = context;
  if (!lastExit) return { exitCode: 0, failure: phase === "failed" ? error : undefined };
  const { spawnError, ...status } = lastExit;
  const exitCode = spawnError === undefined ? exitCodeOf(status) : notRun(spawnError);
  return { exitCode, failure: phase === "failed" ? (error ?? `exit code ${exitCode}`) : undefined };
}

const NOT_FOUND = new Set(["ENOENT", "ENOTDIR"]);
const NOT_RUNNABLE = new Set(["EACCES", "EPERM", "ENOEXEC", "EISDIR", "ELOOP"]);

const notRun = (errno: string): number =>
  NOT_FOUND.has(errno) ? 127 : NOT_RUNNABLE.has(errno) ? 126 : 1;
