import { resolve } from "node:path";
import type { ResolvedDefinition } from "../../machines/definition.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { ServiceLogs } from "../logs/ports.ts";
import type { Children } from "../pid1/children.ts";
import { procIsOurs, readStat } from "../posix/proc.ts";
import { type Plan, posixSpawn } from "../posix/spawn.ts";
import type { ProcessRunner, Report, SpawnRequest } from "../runtime/ports.ts";
import { createEnding } from "./ending.ts";
import { serviceEnvironment } from "./environment.ts";
import { isSame, nowInTicks } from "./identity.ts";
import { signalOne } from "./kill.ts";
import { type Life, newLife } from "./life.ts";
import { lookFor, watchUnproven } from "./look.ts";
import type { Nofile } from "./nofile.ts";
import { explainRefusal, findProgram } from "./program.ts";
import { createScanner } from "./scan.ts";
import { createSlots } from "./slots.ts";
import { problem, spawnErrorOf, SpawnProblem } from "./spawn-problem.ts";

export interface ProcessRunnerDeps {
  report: Report;
  logs: ServiceLogs;
  children: Children;
  /** Values of a definition's variables. @throws AppError naming those that cannot be had: no retry will help */
  openEnv: (references: ResolvedDefinition["env"]) => Readonly<Record<string, string>>;
  /** Milliseconds of the wall clock. */
  wall: () => number;
  logger: Logger;
  config: {
    /** Working directory of a service that names none. */
    defaultDir: string;
    /** The daemon's own environment: seven variables of it get through. */
    baseEnv: Readonly<Record<string, string | undefined>>;
    /** Gives services the limit of descriptors that the daemon was started with. */
    nofile: Nofile;
  };
}

/** So many checks and spawns at once: each may hang in one of the 32 threads of libuv's pool. */
const MAX_SPAWNING = 16;
/** So many ended incarnations are remembered, so that a late request for one does nothing. */
const MAX_FINISHED = 10_000;

/** The processes of services, spawned by `posix_spawn` and waited for by the children table. */
export function createProcessRunner(deps: ProcessRunnerDeps): ProcessRunner {
  const { children, report, logs, logger, config } = deps;
  const lives = new Map<string, Life>();
  const finished = new Set<string>();
  const slots = createSlots(MAX_SPAWNING, logger);
  const forget = ({ incarnation }: Life) => {
    lives.delete(incarnation);
    finished.add(incarnation);
    const [oldest] = finished;
    if (finished.size > MAX_FINISHED && oldest !== undefined) finished.delete(oldest);
  };
  const suspects = () => [...lives.values()].map(({ suspect }) => suspect);
  const find = createScanner(suspects);
  const ending = createEnding({ children, report, logs, find, suspects, forget, logger });
  const keep = (life: Life): Life => {
    lives.set(life.incarnation, life);
    return life;
  };
  /** An incarnation that nobody here knows is looked for by what it carries. */
  const known = (stream: string, incarnation: string): Life | undefined =>
    finished.has(incarnation)
      ? undefined
      : (lives.get(incarnation) ?? keep(newLife(stream, incarnation, "ended")));

  async function start(life: Life, { definition }: SpawnRequest): Promise<void> {
    const env = environmentOf(definition, life.incarnation);
    const dir = resolve(config.defaultDir, definition.dir ?? "");
    refuseNul([definition.cmd, ...definition.args, dir, ...Object.values(env)]);
    const place = { searchPath: env["PATH"] ?? "", dir };
    const [path, output] = await both(findProgram(definition.cmd, place), openOutput(life));
    if (life.stage !== "asked") return dropOutput(life);
    const argv = [definition.cmd, ...definition.args];
    const plan = { path, argv, env, dir, stdout: output.stdout, stderr: output.stderr };
    await spawn(life, plan, output.offset);
  }

  async function openOutput(life: Life) {
    const output = await logs.open(life.service, life.incarnation);
    life.hasOutput = true;
    return output;
  }

  function environmentOf(definition: ResolvedDefinition, incarnation: string) {
    try {
      return serviceEnvironment(config.baseEnv, deps.openEnv(definition.env), incarnation);
    } catch (error) {
      throw new SpawnProblem({ errno: "ENOKEY", message: messageOf(error), permanent: true });
    }
  }

  async function spawn(life: Life, plan: Plan, logFrom: number): Promise<void> {
    life.stage = "spawning";
    let pid: number;
    try {
      pid = await posixSpawn(config.nofile.wrap(plan));
    } catch (error) {
      throw await explainRefusal(error, plan.path, plan.dir);
    }
    spawned(life, pid, logFrom);
  }

  /** In the tick in which the spawn answered: from here on no exit is lost. */
  function spawned(life: Life, pid: number, logFrom: number): void {
    children.add(pid, (status) => ending.mainEnded(life, status));
    const startTime = (procIsOurs() ? readStat(pid)?.startTime : undefined) ?? "";
    Object.assign(life, { stage: "up", isChild: true, pid, exitTold: false });
    Object.assign(life.suspect, { main: { pid, startTime }, session: pid });
    const { incarnation } = life;
    const wall = deps.wall();
    report(life.stream, [{ type: "process.spawned", incarnation, pid, startTime, wall, logFrom }]);
    if (life.stop) ending.stopNow(life);
  }

  function notSpawned(life: Life, error: unknown): void {
    if (life.stage === "closed") return dropOutput(life);
    const failure = spawnErrorOf(error);
    life.stage = "closed";
    for (const timer of life.timers) clearTimeout(timer);
    forget(life);
    logs.note(life.service, failure.message).catch((reason: unknown) => {
      logger.warn({ err: reason }, "a service's log could not be written");
    });
    dropOutput(life);
    const { incarnation } = life;
    report(life.stream, [{ type: "process.spawn_failed", incarnation, error: failure }]);
  }

  function dropOutput(life: Life): void {
    if (!life.hasOutput) return;
    life.hasOutput = false;
    logs.finish(life.incarnation, 0).catch((error: unknown) => {
      logger.warn({ err: error }, "pipes of a spawn that failed could not be removed");
    });
  }

  /** What an earlier daemon's process writes goes on into its log. */
  async function readOn(incarnation: string): Promise<void> {
    const life = lives.get(incarnation);
    if (!life || life.isChild || life.hasOutput || life.stage === "asked") return;
    life.hasOutput = true;
    await logs.reopen(life.service, incarnation).catch((error: unknown) => {
      logger.warn({ err: error, incarnation }, "output of an earlier life could not be read on");
    });
  }

  function signalMain({ isChild, pid, suspect: { main } }: Life, signal: string): void {
    if (isChild && pid !== undefined) children.signal(pid, signal);
    else if (main) void signalOne(main.pid, signal, () => isSame(main), logger);
  }

  return {
    spawn: (request) => {
      const { stream, incarnation } = request;
      if (lives.has(incarnation) || finished.has(incarnation)) return;
      const life = keep(newLife(stream, incarnation, "asked"));
      life.suspect.notBefore = nowInTicks();
      slots
        .run(request.definition.cmd, () => start(life, request))
        .catch((error: unknown) => notSpawned(life, error));
    },
    stop: ({ stream, incarnation, signal, timeoutMs }) => {
      const life = known(stream, incarnation);
      if (life) ending.stop(life, signal, timeoutMs);
    },
    empty: ({ stream, incarnation }) => {
      const life = known(stream, incarnation);
      if (life?.stage === "ended" && life.unprovenPid === undefined) ending.clear(life);
    },
    signal: ({ incarnation, signal }) => {
      const life = lives.get(incarnation);
      if (life?.stage === "up") signalMain(life, signal);
    },
    watch: ({ stream, incarnation, pid }) => {
      const life = known(stream, incarnation);
      if (life) watchUnproven(life, pid, (gone) => ending.clear(gone));
    },
    look: async (open) => {
      const found = await lookFor(open, { get: (incarnation) => lives.get(incarnation), keep });
      await Promise.all([...found.keys()].map((incarnation) => readOn(incarnation)));
      return found;
    },
  };
}

/** C ends a string at its first NUL: what comes after would be lost in silence. */
function refuseNul(texts: readonly string[]): void {
  if (!texts.some((text) => text.includes("\0"))) return;
  throw problem("EINVAL", "a command, argument or variable holds a NUL character");
}

/** Both answers, or the first's failure before the second's; never before both are there. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}
