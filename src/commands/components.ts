import type { ComponentState } from "../../machines/policies.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import type { Clock } from "../base/clock.ts";
import type { RuntimeView } from "../runtime/group.ts";

/** A component as it is shown. */
export interface ComponentView {
  name: string;
  phase: string;
  pid?: number;
  startedAt?: number;
  restartCount: number;
  error?: string;
  /** Its start ended with 0, and what that started is the component. */
  isDetached: boolean;
  nextRestartAt?: number;
  lastExit?: ExitStatus & { spawnError?: string };
  /** Names of those before it that are not ready. */
  waitingFor: readonly string[];
  logFile: string;
}

/** All components, in the order in which they start. */
export function componentViews(
  view: Pick<RuntimeView, "components">,
  clock: Clock,
  logFileOf: (name: string) => string,
): ComponentView[] {
  const all = [...view.components()];
  return all.map(([name, state], index) => {
    const before = all.slice(0, index).filter(([, other]) => other.phase !== "ready");
    return shown(name, state, clock, {
      waitingFor: state.phase === "pending" ? before.map(([other]) => other) : [],
      logFile: logFileOf(name),
    });
  });
}

function shown(
  name: string,
  { phase, context }: ComponentState,
  clock: Clock,
  rest: Pick<ComponentView, "waitingFor" | "logFile">,
): ComponentView {
  const { open, dueAt, lastExit, startedAt } = context;
  const error = errorOf(phase, context);
  return {
    name,
    phase,
    restartCount: context.restartCount,
    isDetached: context.detached,
    ...rest,
    ...(open?.pid !== undefined && !open.exited && { pid: open.pid }),
    ...(startedAt !== undefined && { startedAt }),
    ...(error !== undefined && { error }),
    ...(phase === "crashed" &&
      dueAt !== undefined && { nextRestartAt: dueAt + clock.wall() - clock.now() }),
    ...(lastExit && { lastExit }),
  };
}

function errorOf(phase: string, context: ComponentState["context"]): string | undefined {
  if (context.unkillablePid !== undefined)
    return `process ${context.unkillablePid} survives SIGKILL`;
  if (context.unprovenPid !== undefined)
    return `process ${context.unprovenPid} may be of an earlier life and nothing proves it ours: end it by hand`;
  if (phase === "starting" && context.unready !== undefined)
    return `not ready yet: ${context.unready}`;
  return phase === "ready" ? undefined : context.error;
}
