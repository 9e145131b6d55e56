import { lchown } from "node:fs/promises";
import type { ResolvedDefinition } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Awaited, ServiceLogs } from "../logs/ports.ts";
import type { Children } from "../pid1/children.ts";
import { processName, procIsOurs, readStat } from "../posix/proc.ts";
import { type Plan, posixSpawn } from "../posix/spawn.ts";
import type { ProcessRunner, Report, SpawnRequest } from "../runtime/ports.ts";
import { type Answer, no, YES } from "./answer.ts";
import { untilBecome, whyNeverBecome } from "./become.ts";
import { createEnding } from "./ending.ts";
import { isSame, nowInTicks } from "./identity.ts";
import { signalOne } from "./kill.ts";
import { findSetpriv, type Manner, nameOf, wrap } from "./launch.ts";
import { type Life, newLife } from "./life.ts";
import { lookFor, watchUnproven } from "./look.ts";
import type { Nofile } from "./nofile.ts";
import { explainRefusal, findProgram } from "./program.ts";
import { createPrograms } from "./programs.ts";
import { createScanner } from "./scan.ts";
import type { Signs } from "./signs.ts";
import { createSlots } from "./slots.ts";
import { codeOf, problem, spawnErrorOf } from "./spawn-problem.ts";
import type { AllSurroundings } from "./surroundings.ts";
import type { RunAs } from "./user.ts";

interface ProcessRunnerDeps {
  report: Report;
  logs: ServiceLogs;
  children: Children;
  /** Ways in which services say that they are ready. */
  signs: Pick<Signs, "prepare">;
  /** As whom, where and with what environment services run. */
  surroundings: AllSurroundings;
  /** Milliseconds of the wall clock. */
  wall: () => number;
  logger: Logger;
  config: {
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
  const { children, report, logs, logger, config, signs, surroundings } = deps;
  const lives = new Map<string, Life>();
  const finished = new Set<string>();
  const slots = createSlots(MAX_SPAWNING, logger);
  const forget = ({ incarnation, sign }: Life) => {
    sign?.close();
    surroundings.forget(incarnation);
    lives.delete(incarnation);
    finished.add(incarnation);
    const [oldest] = finished;
    if (finished.size > MAX_FINISHED && oldest !== undefined) finished.delete(oldest);
  };
  const suspects = () => [...lives.values()].map(({ suspect }) => suspect);
  const find = createScanner(suspects);
  const programs = createPrograms({ children, nofile: config.nofile });
  const parts = { children, report, logs, find, suspects, forget, logger };
  const ending = createEnding({ ...parts, runStopCommand });
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
    if (life.stage !== "asked") return;
    const { env: own, dir, ...manner } = await surroundings.begin(life.incarnation, definition);
    if (life.stage !== "asked") return surroundings.forget(life.incarnation);
    const sign = (life.sign = signs.prepare(life, definition.ready));
    const env = { ...own, ...sign.env };
    refuseNul([definition.cmd, ...definition.args, dir, ...Object.values(env)]);
    const { runAs } = manner;
    const place = { searchPath: env["PATH"] ?? "", dir, runAs };
    const [path, output] = await both(
      findProgram(definition.cmd, place),
      openOutput(life, sign.awaited, runAs),
    );
    if (life.stage !== "asked") return dropOutput(life);
    const argv = [definition.cmd, ...definition.args];
    const { stdout, stderr, offset } = output;
    const { inherit } = sign;
    const plan = { path, argv, env, dir, stdout, stderr, ...(inherit && { inherit }) };
    await spawn(life, plan, manner, offset);
  }

  /** Pipes belong to whom the service runs as, who may then open /dev/stdout. */
  async function openOutput(life: Life, awaited?: Awaited, owner?: RunAs) {
    const output = await logs.open(life.service, life.incarnation, awaited);
    life.hasOutput = true;
    if (owner) await giveTo(owner, [output.stdout, output.stderr]);
    return output;
  }

  async function spawn(life: Life, plan: Plan, manner: Manner, logFrom: number): Promise<void> {
    const { runAs } = manner;
    const tool = runAs ? await findSetpriv(process.env["PATH"]) : "";
    const wrapped = wrap(plan, manner, config.nofile, tool);
    if (life.stage !== "asked") return dropOutput(life);
    life.stage = "spawning";
    let pid: number;
    try {
      pid = await posixSpawn(wrapped.plan);
    } catch (error) {
      throw await explainRefusal(error, plan.path, plan.dir, runAs);
    } finally {
      life.sign?.handedOver();
    }
    begun(life, pid, { ...wrapped, plan, runAs, logFrom });
  }

  /** In the tick in which the spawn answered: from here on no exit is lost. What it is wrapped in is not the service yet. */
  function begun(life: Life, pid: number, { wrappers: all, plan, runAs, logFrom }: Begun): void {
    const wrappers = all.filter((name) => name !== nameOf(plan.path));
    let isDecided = false;
    const up = () => {
      if (!isDecided) spawned(life, pid, logFrom);
      isDecided = true;
    };
    children.add(pid, (status) => {
      const last = processName(pid) ?? "";
      if (isDecided || life.stop || !wrappers.includes(last) || status.code === undefined) {
        up();
        return ending.mainEnded(life, status);
      }
      isDecided = true;
      children.reap(pid);
      const place = { searchPath: "", dir: plan.dir, runAs };
      const tell = (error: unknown) => notSpawned(life, error);
      whyNeverBecome(last, status, plan.path, place).then(tell, tell);
    });
    if (wrappers.length === 0) up();
    else void untilBecome(pid, wrappers, () => isDecided || life.stop !== undefined).then(up);
  }

  function spawned(life: Life, pid: number, logFrom: number): void {
    const startTime = (procIsOurs() ? readStat(pid)?.startTime : undefined) ?? "";
    Object.assign(life, { stage: "up", isChild: true, pid, exitTold: false });
    Object.assign(life.suspect, { main: { pid, startTime }, session: pid });
    const { incarnation } = life;
    const wall = deps.wall();
    report(life.stream, [{ type: "process.spawned", incarnation, pid, startTime, wall, logFrom }]);
    life.sign?.listen(life.suspect);
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

  /** In the place of the service itself, with its output in the service's log, as far as that is still read. */
  async function runStopCommand(
    life: Life,
    definition: ResolvedDefinition,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { stopCommand: command = [] } = definition;
    const name = `\`${command[0]}\``;
    try {
      const { env: own, ...rest } = await surroundings.of(life.incarnation, definition);
      const env = { ...own, MAINPID: String(life.pid) };
      refuseNul([...command, rest.dir, ...Object.values(env)]);
      const { stdout, stderr } = await outputOf(life);
      const status = await programs.run({ command, ...rest, env, stdout, stderr }, signal);
      if (status === undefined) return no(`${name} was not started in time`);
      return status.code === 0 ? YES : no(`${name} ${exitInWords(status)}`);
    } catch (error) {
      return no(messageOf(error));
    }
  }

  async function outputOf(life: Life): Promise<{ stdout: string; stderr: string }> {
    const nowhere = { stdout: "/dev/null", stderr: "/dev/null" };
    if (!life.hasOutput) return nowhere;
    return logs.open(life.service, life.incarnation).catch(() => nowhere); // to end it matters more than what is said
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
      life.keepsOrphans = request.keepsOrphans ?? false;
      slots
        .run(request.definition.cmd, () => start(life, request))
        .catch((error: unknown) => notSpawned(life, error));
    },
    stop: ({ stream, incarnation, ...how }) => {
      const life = known(stream, incarnation);
      if (life) ending.stop(life, how);
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

/** What was spawned, and what it is to become. */
interface Begun {
  wrappers: readonly string[];
  plan: Plan;
  runAs: RunAs | undefined;
  logFrom: number;
}

async function giveTo({ uid, gid, name }: RunAs, paths: readonly string[]): Promise<void> {
  try {
    await Promise.all(paths.map((path) => lchown(path, uid, gid)));
  } catch (error) {
    throw problem(codeOf(error), `the pipes for its output cannot be given to ${name}`);
  }
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
