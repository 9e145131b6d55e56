import type { RuntimeView } from "../runtime/group.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { Phase } from "./ports.ts";
import { exitCodeOf } from "./streams.ts";
import { isCrashLooping } from "./views.ts";

/** One service in figures. */
export interface ServiceGauges {
  name: string;
  phase: Phase;
  desired: "running" | "stopped";
  restarts: number;
  crashLooping: boolean;
  quarantined: boolean;
  /** Of its main process's last end, as shells write it: 128 and the signal's number. Absent where nobody saw one. */
  lastExitCode?: number;
  /** When its process was started, in milliseconds of the wall clock; absent where none is there. */
  startedAt?: number;
}

type State = Pick<ServiceRow, "name" | "phase" | "context"> & { isQuarantined: boolean };

function gaugesOf({ name, phase, context, isQuarantined }: State): ServiceGauges {
  const { lastExit, startedAt, open } = context;
  const isKnown = lastExit?.code !== undefined || lastExit?.signal !== undefined;
  return {
    name,
    phase: phase as Phase, // the machine's states, but for `deleted`, whose actor is gone
    desired: context.desired,
    restarts: context.restartCount,
    crashLooping: isCrashLooping({ phase, context }),
    quarantined: isQuarantined,
    ...(lastExit && isKnown && { lastExitCode: exitCodeOf(lastExit) }),
    ...(startedAt !== undefined && open?.pid !== undefined && !open.exited && { startedAt }),
  };
}

/** Services without an actor: their log and their machine disagree, and they are shown as last recorded. */
function withoutActor(
  view: RuntimeView,
  byName: (name: string) => ServiceRow | undefined,
): State[] {
  return Object.keys(view.environment()?.context.quarantined ?? {}).flatMap((stream) => {
    const name = stream.slice("service/".length);
    const row = view.service(name) ? undefined : byName(name);
    return row ? [{ ...row, isQuarantined: true }] : [];
  });
}

/**
 * All services in figures. They are read from their actors, so that asking every few seconds costs next to nothing.
 *
 * @param byName the read model, for those that have no actor
 */
export function serviceGauges(
  view: RuntimeView,
  byName: (name: string) => ServiceRow | undefined,
): ServiceGauges[] {
  const live = [...view.services()].map(([name, { phase, context }]) => ({
    name,
    phase,
    context,
    isQuarantined: view.quarantined(name) !== undefined,
  }));
  return [...live, ...withoutActor(view, byName)].map(gaugesOf);
}
