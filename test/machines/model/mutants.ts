import { type AnyStateMachine, createMachine } from "xstate";
import { serviceMachine } from "../../../machines/service.ts";

/** One transition of the machine's configuration. */
export interface Edge {
  phase: string;
  type: string;
  /** Its place among those of phase and type. */
  index: number;
  /** Absent: it stays. */
  target: string | undefined;
  actions: readonly unknown[];
  guarded: boolean;
}

interface Transition {
  target?: string;
  actions?: unknown;
  guard?: unknown;
}

type States = Record<string, { on?: Record<string, Transition | readonly Transition[]> }>;

const states = serviceMachine.config.states as unknown as States;

const listOf = (transition: Transition | readonly Transition[] | undefined): Transition[] =>
  transition === undefined ? [] : ([transition].flat() as Transition[]);

/** All transitions of the service machine. */
export const edges: readonly Edge[] = Object.entries(states).flatMap(([phase, { on = {} }]) =>
  Object.entries(on).flatMap(([type, transitions]) =>
    listOf(transitions).map(({ target, actions = [], guard }, index) => ({
      phase,
      type,
      index,
      target,
      actions: [actions].flat(),
      guarded: guard !== undefined,
    })),
  ),
);

export const nameOf = ({ phase, type, index }: Edge): string => `${phase} ${type} ${index}`;

/** The machine with another list of transitions for one phase and type. */
function changed(edge: Edge, change: (list: Transition[]) => Transition[]): AnyStateMachine {
  const state = states[edge.phase];
  const list = change(listOf(state?.on?.[edge.type]));
  const config = {
    ...serviceMachine.config,
    states: { ...states, [edge.phase]: { ...state, on: { ...state?.on, [edge.type]: list } } },
  };
  return createMachine(config as never, serviceMachine.implementations as never);
}

/** The machine without one transition: what it took falls to the next in its list, or is refused. */
export const without = (edge: Edge): AnyStateMachine =>
  changed(edge, (list) => list.filter((_, index) => index !== edge.index));

/** The machine with one transition that is another. */
const instead = (edge: Edge, change: (transition: Transition) => Transition): AnyStateMachine =>
  changed(edge, (list) =>
    list.map((transition, index) => (index === edge.index ? change(transition) : transition)),
  );

/** The machine with one transition that leads elsewhere. */
export const retargeted = (edge: Edge, target: string): AnyStateMachine =>
  instead(edge, (transition) => ({ ...transition, target }));

/** The machine with one transition that forgets one of its actions. */
export const forgetting = (edge: Edge, action: number): AnyStateMachine =>
  instead(edge, (transition) => ({
    ...transition,
    actions: edge.actions.filter((_, index) => index !== action),
  }));

/** The machine with one transition that is always taken. */
export const unguarded = (edge: Edge): AnyStateMachine =>
  instead(edge, ({ guard: _, ...transition }) => transition);

/** Where an edge could lead by mistake. */
export const wrongTargets = ({ phase, target }: Edge): string[] =>
  Object.keys(states).filter((state) => state !== (target ?? phase));

export const actionName = (action: unknown): string =>
  typeof action === "string" ? action : (action as { type: string }).type;
