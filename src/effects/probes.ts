import { messageOf } from "../base/errors.ts";
import type { Probe } from "../../machines/definition.ts";
import type { Children } from "../pid1/children.ts";
import type { ProbeRunner, Report } from "../runtime/ports.ts";
import { type Answer, no } from "./answer.ts";
import { createCommands, type Surroundings } from "./command.ts";
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
/** So late a timer says that we were held up, by a pause of the machine or of ourselves: what came of a question meanwhile says nothing. */
const PAUSE_MS = 1_000;

interface Asking {
  stream: string;
  incarnation: string;
  probe: Probe;
  everyMs: number;
  timeoutMs: number;
  /** Told of each answer; false: asks no more. */
  answered: (answer: Answer) => boolean;
}

/**
 * Puts questions to running services.
 *
 * The next question comes so long after the last one ended, so there are no bursts: not of slow answers, nor after a pause, when what was due is armed anew and a
 * failure that fell into the pause does not count. Once it is stopped nothing is reported any more.
 */
export function createProbes(deps: ProbesDeps): ProbeRunner {
  const { report } = deps;
  const running = new Map<string, Set<AbortController>>();
  const ask = questions(deps);

  /** Asks again and again, first after `delayMs`. */
  function begin(asking: Asking, delayMs: number): void {
    const stopped = new AbortController();
    const { incarnation } = asking;
    const all = running.get(incarnation) ?? new Set();
    running.set(incarnation, all.add(stopped));
    const end = () => {
      stopped.abort();
      all.delete(stopped);
      if (all.size === 0 && running.get(incarnation) === all) running.delete(incarnation);
    };
    const later = (ms: number) => {
      const dueAt = performance.now() + ms;
      const timer = setTimeout(() => {
        stopped.signal.removeEventListener("abort", cancel);
        if (performance.now() - dueAt > PAUSE_MS) later(asking.everyMs);
        else void question();
      }, ms);
      const cancel = () => clearTimeout(timer);
      stopped.signal.addEventListener("abort", cancel, { once: true });
    };
    const question = async () => {
      const answer = await ask(asking, stopped.signal);
      if (stopped.signal.aborted) return;
      if (answer && !asking.answered(answer)) end();
      else later(asking.everyMs);
    };
    later(delayMs);
  }

  return {
    startHealth: ({ failures: limit, ...request }) => {
      const { stream, incarnation } = request;
      let failures = 0;
      const answered = (answer: Answer): boolean => {
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
      begin({ ...request, answered }, request.everyMs);
    },
    startReadiness: (request) => {
      const { stream, incarnation } = request;
      const answered = ({ ok }: Answer): boolean => {
        if (ok) report(stream, [{ type: "readiness.reached", incarnation }]);
        return !ok;
      };
      const times = { everyMs: READY_EVERY_MS, timeoutMs: READY_TIMEOUT_MS };
      begin({ ...request, ...times, answered }, 0);
    },
    stop: ({ incarnation }) => {
      for (const stopped of running.get(incarnation) ?? []) stopped.abort();
      running.delete(incarnation);
    },
  };
}

/** Puts one question: an answer within its time, or nothing where a pause makes it worthless. */
function questions({ children, env, surroundings }: ProbesDeps) {
  const streams = new Map<string, string>();
  const commands = createCommands({
    children,
    surroundings: (incarnation) => {
      const { dir, env: own } = surroundings?.(streams.get(incarnation) ?? "") ?? NOWHERE;
      return { dir, env: serviceEnvironment(env, own, incarnation) };
    },
  });
  const put = (probe: Probe, incarnation: string, signal: AbortSignal): Promise<Answer> => {
    switch (probe.kind) {
      case "http":
        return askHttp(probe, signal);
      case "tcp":
        return askTcp(probe, signal);
      case "exec":
        return commands.ask(incarnation, probe, signal);
    }
  };
  return async (
    { stream, incarnation, probe, timeoutMs }: Asking,
    stopped: AbortSignal,
  ): Promise<Answer | undefined> => {
    const begun = performance.now();
    const over = AbortSignal.timeout(timeoutMs);
    return undefined;
  };
}
