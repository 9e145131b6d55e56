import { countWithin, LOOP_FAILURES, LOOP_PAUSE_MS, LOOP_WINDOW_MS, nextDelay } from "./backoff.ts";
import { resolved, type ServiceDefinition } from "./definition.ts";
import type { Instant } from "./kit.ts";
import type { ExitStatus, ServiceTimer, SpawnError } from "./service-events.ts";

/** One life of a process of the service, from the row that asks for it until nothing of it is left. */
export interface Incarnation {
  id: string;
  machineBoot: string;
  pid?: number;
  startTime?: string;
  /** Its main process is gone; something that it left may be there. */
  exited: boolean;
}

/** Why a service that is wished to run is down and not retried. */
export type Ending = "drained" | "succeeded" | "failed";

export interface ServiceContext {
  definition: ServiceDefinition;
  /** Of the definition: 1 for the first one ever of this name. */
  version: number;
  desired: "running" | "stopped";
  open?: Incarnation | undefined;
  deleting: boolean;
  /** Where `stopping` leads, and why it is down where it should run. */
  ending?: Ending | undefined;
  /** Where `restarting` leads: true counts as a failure, with a delay; false tries at once. */
  failing: boolean;
  /** Failures in a row. */
  attempt: number;
  /** When the latest failures were, no more than anybody counts. */
  failures: readonly Instant[];
  crashLooping: boolean;
  restartCount: number;
  /** When the next try is due; absent while none waits, or when it is due already. */
  dueAt?: Instant | undefined;
  /** The whole delay of that try: what remains over a boot lies between 0 and this. */
  delayMs?: number | undefined;
  /** Timers that count, by the id of the event that armed them. */
  armed: { readonly [Timer in ServiceTimer]?: string };
  /** What the clock on the wall said when it was last spawned. */
  startedAt?: number | undefined;
  /** Where the lines of its last life are in its log: a running position; `to` once they are all there. */
  output?: { incarnation: string; from: number; to?: number } | undefined;
  unkillablePid?: number | undefined;
  unprovenPid?: number | undefined;
  unhealthy?: string | undefined;
  /** Why it is not ready yet, where it was asked. */
  unready?: string | undefined;
  lastExit?: (ExitStatus & { spawnError?: string }) | undefined;
  error?: string | undefined;
}

type Patch = Partial<ServiceContext>;

type Verdict = "retry" | "succeeded" | "failed";

const succeeded = (definition: ServiceDefinition, status: ExitStatus): boolean =>
  status.code !== undefined && resolved(definition).successExitCodes.includes(status.code);

/** What the policy makes of a failure: another try, unless it allows none or there were too many. */
export function failureVerdict(context: ServiceContext, at: Instant): Verdict {
  const { restart, maxFailures, windowMs } = resolved(context.definition);
  if (restart === "never") return "failed";
  if (maxFailures === undefined) return "retry";
  return countWithin([...context.failures, at], at, windowMs) >= maxFailures ? "failed" : "retry";
}

/** What the policy makes of an exit that nobody asked for. */
export function exitVerdict(context: ServiceContext, status: ExitStatus, at: Instant): Verdict {
  const { restart, oneshot } = resolved(context.definition);
  if (succeeded(context.definition, status) && (oneshot || restart !== "always"))
    return "succeeded";
  return failureVerdict(context, at);
}

/** What the policy makes of a process that could not be spawned. */
export const spawnVerdict = (context: ServiceContext, error: SpawnError, at: Instant): Verdict =>
  error.permanent ? "failed" : failureVerdict(context, at);

/** One more failure that will be retried: counts it and says when the next try is due. */
export function afterFailure(context: ServiceContext, at: Instant, draw: number): Patch {
  const { backoff, maxFailures } = resolved(context.definition);
  const kept = Math.max(LOOP_FAILURES, maxFailures ?? 0);
  const failures = [...context.failures, at].slice(-kept);
  const crashLooping =
    context.crashLooping || countWithin(failures, at, LOOP_WINDOW_MS) >= LOOP_FAILURES;
  const attempt = context.attempt + 1;
  const delay = nextDelay(backoff, attempt, draw);
  const delayMs = crashLooping ? Math.max(LOOP_PAUSE_MS, delay) : delay;
  return {
    attempt,
    failures,
    crashLooping,
    restartCount: context.restartCount + 1,
    delayMs,
    dueAt: at + delayMs,
    failing: false,
  };
}

/** When a waiting try is due after a boot: what remains of its delay, never more than the whole. */
export const dueAfterBoot = (context: ServiceContext, at: Instant): Instant =>
  at + Math.min(Math.max((context.dueAt ?? at) - at, 0), context.delayMs ?? 0);

/** An exit in words, as people read it in `state.error`. */
export function exitInWords(status: ExitStatus): string {
  if (status.oom) return "killed by the kernel: out of memory";
  if (status.signal !== undefined)
    return `killed by signal ${status.signal}${status.core ? " (core dumped)" : ""}`;
  if (status.code !== undefined) return `exited with code ${status.code}`;
  return "ended while nobody looked";
}

/** Whether others may start that need this one: it runs (and is ready), or is a oneshot that succeeded. */
export function isUp(phase: string, context: ServiceContext): boolean {
  if (context.definition.oneshot) return phase === "stopped" && context.ending === "succeeded";
  return phase === "running";
}

/** Whether a main process is there to be signalled, and known to be ours. */
export const hasProcess = ({ open, unprovenPid }: ServiceContext): boolean =>
  open?.pid !== undefined && !open.exited && unprovenPid === undefined;
