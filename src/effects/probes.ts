import type { Probe } from "../../machines/definition.ts";
import { formatDuration } from "../base/duration.ts";
import type { Children } from "../pid1/children.ts";
import { boottimeMs } from "../posix/calls.ts";
import type { ProbeRunner, Report } from "../runtime/ports.ts";
import { type Answer, no } from "./answer.ts";
import { type Asker, type Commands, createCommands } from "./command.ts";
import { askHttp, askTcp } from "./connect.ts";
import { createDoubts } from "./doubts.ts";
import type { Nofile } from "./nofile.ts";
import { createPauses, type Pauses } from "./pauses.ts";
import type { Signs } from "./signs.ts";
import type { Surroundings } from "./surroundings.ts";

interface ProbesDeps {
  report: Report;
  children: Children;
  /** As whom, where and with what environment the commands of a service's checks run. @throws SpawnProblem */
  surroundings: (asker: Asker) => Promise<Surroundings>;
  /** Gives commands the limit of descriptors that the daemon was started with. */
  nofile: Nofile;
  /** Where services say by themselves that they are ready. */
  signs: Pick<Signs, "hear">;
  /** A clock that goes on while the machine sleeps, in milliseconds; by default the kernel's. */
  now?: () => number;
}

/** Between two questions whether something is ready, in milliseconds. */
const READY_EVERY_MS = 250;
/** A question whether something is ready may take so long. */
const READY_TIMEOUT_MS = 5_000;
/** So late a timer says that the machine, or we, were held up: what fell into such a pause says nothing of a service. */
const PAUSE_MS = 1_000;

interface Asking extends Asker {
  probe: Probe;
  everyMs: number;
  timeoutMs: number;
  /** Told of each answer; false: asks no more. */
  answered: (answer: Answer) => boolean;
}

/** What all questions share. */
interface Asks {
  commands: Commands;
  pauses: Pauses;
  now: () => number;
}

/**
 * Puts questions to running services.
 *
 * The next one comes so long after the last one ended, so there are no bursts: neither of slow answers, nor after a pause, when what was due is armed anew and a
 * failure that fell into it does not count. Once it is stopped, nothing is reported any more.
 */
export function createProbes(deps: ProbesDeps): ProbeRunner {
  const { report, signs, surroundings, nofile, now = boottimeMs } = deps;
  const commands = createCommands({ children: deps.children, surroundings, nofile });
  const asks: Asks = { commands, pauses: createPauses(now), now };
  const running = new Map<string, Set<AbortController>>();

  /** Something that goes on until the incarnation's questions are stopped, or it ends by itself. */
  function open(incarnation: string): { stopped: AbortSignal; ended: () => void } {
    const stop = new AbortController();
    const ofIncarnation = running.get(incarnation) ?? new Set();
    running.set(incarnation, ofIncarnation.add(stop));
    const ended = () => {
      ofIncarnation.delete(stop);
      if (ofIncarnation.size === 0) running.delete(incarnation);
    };
    return { stopped: stop.signal, ended };
  }

  /** Reports that it is ready, once, or why it is not. */
  function readinessOf({ stream, incarnation }: Asker) {
    const { stopped, ended } = open(incarnation);
    const doubts = createDoubts((reason) =>
      report(stream, [{ type: "readiness.failed", incarnation, reason }]),
    );
    stopped.addEventListener("abort", doubts.end, { once: true });
    const ready = (): void => {
      doubts.end();
      report(stream, [{ type: "readiness.reached", incarnation }]);
      ended();
    };
    return { stopped, ready, unready: doubts.say };
  }

  function askUntilReady(asker: Asker, probe: Probe): void {
    const { stopped, ready, unready } = readinessOf(asker);
    const answered = (answer: Answer): boolean => {
      if (answer.ok) ready();
      else unready(answer.reason);
      return !answer.ok;
    };
    const times = { everyMs: READY_EVERY_MS, timeoutMs: READY_TIMEOUT_MS };
    repeat({ ...asker, probe, ...times, answered }, 0, asks, stopped, () => {});
  }

  function hear(asker: Asker): void {
    const { stopped, ready, unready } = readinessOf(asker);
    const deaf = signs.hear(asker.incarnation, { ready, unready });
    stopped.addEventListener("abort", deaf, { once: true });
  }

  return {
    startHealth: ({ failures, ...request }) => {
      const { stopped, ended } = open(request.incarnation);
      const answered = healthOf(request, failures, report);
      repeat({ ...request, answered }, request.everyMs, asks, stopped, ended);
    },
    startReadiness: ({ stream, incarnation, readiness }) => {
      const asker = { stream, incarnation };
      switch (readiness.kind) {
        case "http":
        case "tcp":
        case "exec":
          return askUntilReady(asker, readiness);
        case "log":
        case "notify":
        case "fd":
          return hear(asker);
      }
    },
    stop: ({ incarnation }) => {
      for (const stop of running.get(incarnation) ?? []) stop.abort();
      running.delete(incarnation);
    },
  };
}

/** Reports a change of the result, the first failure among them, and so many failures in a row. */
function healthOf({ stream, incarnation }: Asker, limit: number, report: Report) {
  let failures = 0;
  return (answer: Answer): boolean => {
    const changed = answer.ok === failures > 0;
    failures = answer.ok ? 0 : failures + 1;
    if (!answer.ok && failures >= limit) {
      const { reason } = answer;
      report(stream, [{ type: "health.failed", incarnation, reason, failures }]);
      return false;
    }
    if (changed) report(stream, [{ type: "health.changed", incarnation, ...answer }]);
    return true;
  };
}

/** Asks again and again until it is stopped or no more is wanted. */
function repeat(
  asking: Asking,
  firstMs: number,
  asks: Asks,
  stopped: AbortSignal,
  ended: () => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number): void => {
    const dueAt = asks.now() + ms;
    timer = setTimeout(() => {
      if (asks.now() - dueAt > PAUSE_MS) wait(asking.everyMs);
      else void once();
    }, ms);
  };
  const once = async (): Promise<void> => {
    const answer = await question(asking, asks, stopped);
    if (stopped.aborted) return;
    if (answer === undefined || asking.answered(answer)) wait(asking.everyMs);
    else ended();
  };
  stopped.addEventListener("abort", () => clearTimeout(timer), { once: true });
  wait(firstMs);
}

/** Puts one question. Never rejects. @returns its answer within its time; undefined for a no while a pause went by */
async function question(
  asking: Asking,
  { commands, pauses }: Asks,
  stopped: AbortSignal,
): Promise<Answer | undefined> {
  const { timeoutMs } = asking;
  const over = new AbortController();
  const abort = () => over.abort();
  stopped.addEventListener("abort", abort, { once: true });
  const late = Promise.withResolvers<Answer>();
  const timer = setTimeout(
    () => late.resolve(no(`no answer within ${formatDuration(timeoutMs)}`)),
    timeoutMs,
  );
  const wasPaused = pauses.watch();
  const answer = await Promise.race([put(asking, commands, over.signal), late.promise]);
  clearTimeout(timer);
  stopped.removeEventListener("abort", abort);
  abort();
  return wasPaused() && !answer.ok ? undefined : answer;
}

function put(asking: Asking, commands: Commands, signal: AbortSignal): Promise<Answer> {
  const { probe } = asking;
  if (probe.kind === "http") return askHttp(probe, signal);
  if (probe.kind === "tcp") return askTcp(probe, signal);
  return commands.ask(asking, probe, signal);
}
