import type { ServiceDefinition } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";
import { mustMatch, mustTakeWishes } from "./checks.ts";
import { becoming, mustBeGood } from "./define.ts";
import type { Caller } from "./ports.ts";
import { versionBefore, versionNamed, versionsOf } from "./versions.ts";

/** Where earlier definitions are found, and the values of their variables. */
export type KeptVersions = Pick<EventReader, "definitions" | "sealedValue">;

/**
 * Decides what going back to an earlier definition leads to: a change to it, with the references of its variables as they were, so that no
 * value is read. It starts what should run and is down; what somebody stopped stays stopped.
 *
 * @param version the one to go back to; undefined is the one before the newest
 */
export function rollback(
  name: string,
  version: number | undefined,
  ifMatch: Caller["ifMatch"],
  kept: KeptVersions,
): (view: RuntimeView) => Fact[] {
  return (view) => {
    mustTakeWishes(view, name);
    mustMatch(view, name, ifMatch);
    const versions = versionsOf(kept, name);
    const { definition } =
      version === undefined ? versionBefore(versions, name) : versionNamed(versions, name, version);
    mustBeGood(view, name, definition);
    mustHaveValues(kept, name, definition);
    return becoming(view, name, definition, view.service(name)?.context.desired === "running");
  };
}

/** Refuses a definition whose values were collected: nothing had referred to them any more. */
function mustHaveValues(kept: KeptVersions, name: string, { env = {} }: ServiceDefinition): void {
  const variables = Object.entries(env).flatMap(([variable, value]) =>
    typeof value === "string" && kept.sealedValue(value) === undefined ? [variable] : [],
  );
  if (variables.length === 0) return;
  throw new AppError(
    "version_not_found",
    `that version of service "${name}" cannot come back: the values of ${variables.join(", ")} are not kept any more. ` +
      "Set them anew with update",
    { details: { variables } },
  );
}
