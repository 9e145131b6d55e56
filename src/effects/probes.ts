import type { Probe } from "../../machines/definition.ts";
import { formatDuration } from "../base/duration.ts";
import type { Children } from "../pid1/children.ts";
import type { ProbeRunner, Report } from "../runtime/ports.ts";
import { type Answer, no } from "./answer.ts";
import { type Asker, type Commands, createCommands, type Surroundings } from "./command.ts";
import { askHttp, askTcp } from "./connect.ts";
import { serviceEnvironment } from "./environment.ts";

export interface ProbesDeps {
  report: Report;
  children: Children;
  /** The daemon's own environment: seven variables of it get through to commands. */
  env: Readonly<Record<string, string | undefined>>;
  /** Directory and variables of a service, for its commands; by default the root directory and none. @throws AppError naming variables that cannot be had */
  surroundings?: (stream: string) => Surroundings;
}

/** Between two questions whether something is ready, in milliseconds. */
const READY_EVERY_MS = 250;
/** A question whether something is ready may take so long. */
const READY_TIMEOUT_MS = 5_000;
/** So late a timer says that the machine, or we, were held up: what fell into such a pause says nothing of a service. */
const PAUSE_MS = 1_000;

const NOWHERE: Surroundings = { dir: "/", env: {} };

interface Asking extends Asker {
  probe: Probe;
  everyMs: number;
  timeoutMs: number;
  /** Told of each answer; false: asks no more. */
  answered: (answer: Answer) => boolean;
}

/**
 * Puts questions to running services.
 *
 * The next one comes so long after the last one ended, so there are no bursts: neither of slow answers, nor after a pause, when what was due is armed anew and a
 * failure that fell into it does not count. Once it is stopped, nothing is reported any more.
 */
export function createProbes(deps: ProbesDeps): ProbeRunner {
  const { report, env, surroundings = () => NOWHERE } = deps;
  const commands = createCommands({
    children: deps.children,
    surroundings: ({ stream, incarnation }) => {
      const { dir, env: own } = surroundings(stream);
      return { dir, env: serviceEnvironment(env, own, incarnation) };
    },
  });
  const running = new Map<string, Set<AbortController>>();

  function begin(asking: Asking, firstMs: number): void {
    const stop = new AbortController();
    const ofIncarnation = running.get(asking.incarnation) ?? new Set();
    running.set(asking.incarnation, ofIncarnation.add(stop));
    repeat(asking, firstMs, commands, stop.signal, () => {
      ofIncarnation.delete(stop);
      if (ofIncarnation.size === 0) running.delete(asking.incarnation);
    });
  }

  return {
    startHealth: ({ failures, ...request }) =>
      begin({ ...request, answered: healthOf(request, failures, report) }, request.everyMs),
    startReadiness: ({ stream, incarnation, readiness: probe }) => {
      if (probe.kind === "log" || probe.kind === "notify" || probe.kind === "fd") return;
      const answered = ({ ok }: Answer): boolean => {
        if (ok) report(stream, [{ type: "readiness.reached", incarnation }]);
        return !ok;
      };
      const times = { everyMs: READY_EVERY_MS, timeoutMs: READY_TIMEOUT_MS };
      begin({ stream, incarnation, probe, ...times, answered }, 0);
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
  commands: Commands,
  stopped: AbortSignal,
  ended: () => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (ms: number): void => {
    const dueAt = performance.now() + ms;
    timer = setTimeout(() => {
      if (performance.now() - dueAt > PAUSE_MS) wait(asking.everyMs);
      else void once();
    }, ms);
  };
  const once = async (): Promise<void> => {
    const answer = await question(asking, commands, stopped);
    if (stopped.aborted) return;
    if (answer === undefined || asking.answered(answer)) wait(asking.everyMs);
    else ended();
  };
  stopped.addEventListener("abort", () => clearTimeout(timer), { once: true });
  wait(firstMs);
}

/** Puts one question. Never rejects. @returns its answer within its time; undefined where that was spent in a pause */
async function question(
  asking: Asking,
  commands: Commands,
  stopped: AbortSignal,
): Promise<Answer | undefined> {
  const { timeoutMs } = asking;
  const begun = performance.now();
  const over = new AbortController();
  const abort = () => over.abort();
  stopped.addEventListener("abort", abort, { once: true });
  const late = Promise.withResolvers<Answer>();
  const timer = setTimeout(
    () => late.resolve(no(`no answer within ${formatDuration(timeoutMs)}`)),
    timeoutMs,
  );
  const answer = await Promise.race([put(asking, commands, over.signal), late.promise]);
  clearTimeout(timer);
  stopped.removeEventListener("abort", abort);
  abort();
  const paused = performance.now() - begun > timeoutMs + PAUSE_MS;
  return !answer.ok && paused ? undefined : answer;
}

function put(asking: Asking, commands: Commands, signal: AbortSignal): Promise<Answer> {
  const { probe } = asking;
  if (probe.kind === "http") return askHttp(probe, signal);
  if (probe.kind === "tcp") return askTcp(probe, signal);
  return commands.ask(asking, probe, signal);
}
