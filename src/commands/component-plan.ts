import type { ComponentDefinition } from "../../machines/component-events.ts";
import type { ComponentState } from "../../machines/policies.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";

/** A component that configuration wants. They start in the order of their list. */
export interface WantedComponent {
  name: string;
  definition: ComponentDefinition;
}

/** What becomes of one component. */
export interface ComponentStep {
  name: string;
  action: "create" | "change" | "move" | "delete" | "same";
  /** Whether what runs of it is ended, and started anew. */
  restarts: boolean;
}

export interface ComponentPlan {
  /** In the order in which they start; those that go, last. */
  steps: readonly ComponentStep[];
  facts: readonly Fact[];
}

/** What leads from the components that there are to those that configuration wants. */
export function componentPlan(
  wanted: readonly WantedComponent[],
  view: Pick<RuntimeView, "components">,
): ComponentPlan {
  const current = new Map(view.components());
  const outcomes = [
    ...wanted.map((one, place) => outcomeOf(one, place, current.get(one.name))),
    ...[...current]
      .filter(([name]) => !wanted.some((one) => one.name === name))
      .map(([name]) => outcome(name, "delete", { type: "component.removed" })),
  ];
  return {
    steps: outcomes.map(({ step }) => step),
    facts: outcomes.flatMap(({ fact }) => (fact ? [fact] : [])),
  };
}

const UP = new Set(["starting", "ready"]);

interface Outcome {
  step: ComponentStep;
  fact?: Fact;
}

function outcomeOf(
  { name, definition }: WantedComponent,
  place: number,
  current: ComponentState | undefined,
): Outcome {
  if (!current) return outcome(name, "create", { type: "component.created", definition, place });
  const { context } = current;
  if (context.removing || JSON.stringify(context.definition) !== JSON.stringify(definition))
    return outcome(name, "change", { type: "component.changed", definition, place }, current);
  return context.place === place
    ? outcome(name, "same")
    : outcome(name, "move", { type: "component.moved", place });
}

const outcome = (
  name: string,
  action: ComponentStep["action"],
  event?: Fact["event"],
  current?: ComponentState,
): Outcome => ({
  step: { name, action, restarts: current !== undefined && UP.has(current.phase) },
  ...(event && { fact: { stream: `component/${name}`, event } }),
});
