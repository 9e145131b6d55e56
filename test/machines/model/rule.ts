import type { Effect, Node } from "./world.ts";
import { contextOf, phaseOf } from "./world.ts";

/** A sentence that must hold, and whether a node or a step breaks it. */
export interface Rule<What> {
  says: string;
  broken: (what: What) => boolean;
}

/** The effect of a type among those asked for. */
export const asks = (effects: readonly Effect[], type: string): Effect | undefined =>
  effects.find((effect) => effect.type === type);

export const is = (node: Node, ...phases: string[]): boolean => phases.includes(phaseOf(node));

/** Whether somebody waits for a timer that this life armed. */
export const holds = (node: Node, timer: "backoff" | "healthy" | "ready"): boolean => {
  const held = node.outside.timers[timer];
  return held?.armed === contextOf(node).armed[timer] && held?.life === node.outside.life;
};
