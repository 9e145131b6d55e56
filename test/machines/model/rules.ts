import type { ServiceEvent } from "../../../machines/service-events.ts";
import { expected } from "./expected.ts";
import { reportRules } from "./report-rules.ts";
import { stateRules } from "./state-rules.ts";
import { effectRules, takenRules, wishRules } from "./taken-rules.ts";
import { phaseOf, type Step } from "./world.ts";

const describe = (event: ServiceEvent): string =>
  `${event.type}${"found" in event ? ` (${event.found.kind})` : ""}`;

/** The first sentence that a step breaks, with what happened. */
export function violation(step: Step): string | undefined {
  const { definition, before, move, taken, after } = step;
  const story = `${phaseOf(before)} → ${describe(move.event)} → ${taken ? phaseOf(after) : "refused"}`;
  const rules = taken
    ? [...takenRules, ...(move.honest ? [...effectRules, ...wishRules, ...reportRules] : [])]
    : [];
  const broken = rules.find((rule) => rule.broken(step));
  if (broken) return `${broken.says}: ${story}`;
  if (!move.honest) return undefined;
  const should = expected(definition, before, move.event);
  if (should !== (taken ? phaseOf(after) : undefined))
    return `expected ${should ?? "a refusal"}: ${story} [${before.key}]`;
  const state = taken
    ? stateRules.find((rule) => rule.broken({ node: after, definition }))
    : undefined;
  return state ? `${state.says}: ${story} [${after.key}]` : undefined;
}
