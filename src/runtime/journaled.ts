import {
  type ActorLogic,
  type ActorScope,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createEmptyActor,
  type EventObject,
  type ExecutableActionObject,
} from "xstate";

import { quickened } from "./quick-assign.ts";

/** One step taken beside the actors: what the machine would be, and what it asks for. Nothing has run yet. */
interface Prepared {
  snapshot: AnyMachineSnapshot;
  actions: readonly ExecutableActionObject[];
}

/**
 * Steps a machine without running anything. One scope serves any number of steps, so a fold builds no actors.
 *
 * `microstep` swaps `actionExecutor` on the scope that it is given, which is private API of xstate 5.33 (pinned; `test/runtime/journaled.test.ts`
 * fails if it changes), so each step gets a fresh copy.
 */
export class Stepper {
  readonly #scope: Omit<AnyActorScope, "actionExecutor">;

  constructor() {
    const self = createEmptyActor();
    this.#scope = {
      self,
      system: self.system,
      id: "step",
      sessionId: "step",
      logger: () => {},
      defer: () => {},
      stopChild: () => {},
      emit: () => {},
    };
  }

  /** The snapshot a machine is born with. */
  birth(machine: AnyStateMachine, input: unknown): Prepared {
    const { scope, actions } = this.#collect();
    return { snapshot: quickened(machine).getInitialSnapshot(scope, input), actions };
  }

  /**
   * One event.
   *
   * @returns undefined where the machine has no transition for it: no transition of ours leaves both snapshot and actions as they were
   * @throws what a guard or an assign threw
   */
  step(
    machine: AnyStateMachine,
    before: AnyMachineSnapshot,
    event: EventObject,
  ): Prepared | undefined {
    if (before.status !== "active") return undefined;
    const { scope, actions } = this.#collect();
    const snapshot = quickened(machine).transition(before, event, scope);
    if (snapshot.status === "error") throw snapshot.error;
    return snapshot === before && actions.length === 0 ? undefined : { snapshot, actions };
  }

  #collect() {
    const actions: ExecutableActionObject[] = [];
    const scope = {
      ...this.#scope,
      actionExecutor: (action: ExecutableActionObject) => void actions.push(action),
    };
    return { scope: scope as AnyActorScope, actions };
  }
}

/** Steps that are on disk, by the very event object that the actor will be sent. */
export type PreparedSteps = WeakMap<object, Prepared>;

/** Called when an effect's runner threw. */
export type EffectFailed = (stream: string, effect: string, error: unknown) => void;

type Logic = ActorLogic<AnyMachineSnapshot, EventObject, object>;

/**
 * A machine as XState actor logic that never decides: it answers an event, sent after its commit, with the step prepared for it,
 * and runs that step's effects. So the actor, its subscribers and `inspect` only ever see what is on disk.
 *
 * @param onError a runner that throws instead of reporting is a bug: the state stands, since it is on disk, and somebody must be told
 * @param steps where the prepared steps are found, by event object (for a birth: by input object)
 */
export function journaled(
  machine: AnyStateMachine,
  steps: PreparedSteps,
  onError: EffectFailed,
): Logic {
  const answer = (
    key: object,
    scope: ActorScope<AnyMachineSnapshot, EventObject>,
  ): AnyMachineSnapshot | undefined => {
    const step = steps.get(key);
    for (const action of step?.actions ?? []) {
      try {
        scope.actionExecutor({
          ...action,
          info: { ...action.info, self: scope.self, system: scope.system },
        });
      } catch (error) {
        onError(scope.self.id, action.type, error);
      }
    }
    return step?.snapshot;
  };
  const logic = {
    config: machine.config,
    getInitialSnapshot: (scope: ActorScope<AnyMachineSnapshot, EventObject>, input: object) => {
      const snapshot = answer(input, scope);
      if (!snapshot) throw new Error("an actor was created without its prepared birth");
      return snapshot;
    },
    transition: (
      before: AnyMachineSnapshot,
      event: EventObject,
      scope: ActorScope<AnyMachineSnapshot, EventObject>,
    ) => answer(event, scope) ?? before,
    getPersistedSnapshot: (snapshot: AnyMachineSnapshot) => machine.getPersistedSnapshot(snapshot),
    // What a fold of the log gave: a live snapshot already.
    restoreSnapshot: (snapshot: unknown) => snapshot as AnyMachineSnapshot,
  };
  return logic as unknown as Logic;
}
