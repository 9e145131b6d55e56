import type { ServiceDefinition } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";

/** One definition that a service had. */
export interface DefinitionVersion {
  version: number;
  definition: ServiceDefinition;
  /** What gave it: `service.created` begins a service anew, `service.changed` goes on with the one before. */
  row: EventRow;
}

/** Every definition that services of a name had and that is still kept, oldest first. Costs the number of versions, not of events. */
export const versionsOf = (
  reader: Pick<EventReader, "definitions">,
  name: string,
): DefinitionVersion[] =>
  reader.definitions(`service/${name}`).map((row) => ({
    version: row.data["version"] as number, // as its machine took them
    definition: row.data["definition"] as unknown as ServiceDefinition,
    row,
  }));

/**
 * One of the versions.
 *
 * @throws AppError `version_not_found` that names those there are
 */
export function versionNamed(
  versions: readonly DefinitionVersion[],
  name: string,
  wanted: number,
): DefinitionVersion {
  const found = versions.find(({ version }) => version === wanted);
  if (found) return found;
  const [oldest, newest] = [versions[0]?.version, versions.at(-1)?.version];
  const isOld = oldest !== undefined && wanted < oldest && wanted > 0;
  const kept = oldest === newest ? `${oldest}` : `${oldest} to ${newest}`;
  const why = isOld ? "retention has removed it" : "there was none of that number";
  throw new AppError(
    "version_not_found",
    `version ${wanted} of service "${name}" is not there: ${why}; kept is ${kept}`,
    { details: { field: "version", value: wanted, allowed: kept } },
  );
}

/**
 * The version before the newest one, of the same service: one of that name that was deleted is not gone back to unasked.
 *
 * @throws AppError `version_not_found` where it never had another one
 */
export function versionBefore(
  versions: readonly DefinitionVersion[],
  name: string,
): DefinitionVersion {
  const newest = versions.at(-1);
  const before = versions.at(-2);
  if (newest?.row.type === "service.changed" && before) return before;
  const only = newest?.version ?? 1;
  const why =
    newest?.row.type === "service.changed"
      ? "what was before it is not kept any more"
      : "it was created with it";
  throw new AppError(
    "version_not_found",
    `service "${name}" has no version before ${only}: ${why}`,
    { details: { field: "version", value: only } },
  );
}
