import { isDeepStrictEqual } from "node:util";
import {
  type DefinitionVersion,
  versionBefore,
  versionNamed,
  versionsOf,
} from "../commands/versions.ts";
import type { EventReader } from "../journal/event-reader.ts";
import {
  changeJson,
  definitionChanges,
  definitionFields,
  type FieldChange,
} from "./definitions.ts";
import { mustBeKnown } from "./events.ts";
import type { Store } from "./store.ts";
import { timeText } from "../base/time-text.ts";

/** A version of a definition, and how it came to be. */
export interface VersionTold extends DefinitionVersion {
  /** Its service's first one: it was created with it. */
  isFirst: boolean;
  /** What differs from the version before; of a first one nothing. */
  changes: readonly FieldChange[];
  /** The oldest version of the same service that was the same: a rollback leads to such a one. */
  sameAs?: number;
  isCurrent: boolean;
}

/**
 * Every version of a service's definition that is kept, oldest first.
 *
 * @throws AppError `service_not_found`
 */
export function toldVersions({ reader }: Store, name: string): VersionTold[] {
  const versions = keptVersions(reader, name);
  const stream = `service/${name}`;
  const last = reader.lastOf(stream);
  const isThere = last ? last.toState !== "deleted" : reader.snapshotAt(stream) !== undefined;
  return versions.map((one, place) => {
    const isFirst = one.row.type === "service.created";
    const before = isFirst ? undefined : versions[place - 1];
    const changes = before ? definitionChanges(before.definition, one.definition) : [];
    const same = isFirst ? undefined : sameBefore(versions, place);
    return {
      ...one,
      isFirst,
      changes,
      ...(same !== undefined && { sameAs: same.version }),
      isCurrent: isThere && place === versions.length - 1,
    };
  });
}

/** Where retention has taken all else of a service, its definitions are in the archive still. */
function keptVersions(reader: EventReader, name: string): DefinitionVersion[] {
  const versions = versionsOf(reader, name);
  if (versions.length === 0) mustBeKnown(reader, name);
  return versions;
}

function sameBefore(
  versions: readonly DefinitionVersion[],
  place: number,
): DefinitionVersion | undefined {
  const born = versions.findLastIndex(
    ({ row }, index) => index < place && row.type === "service.created",
  );
  return versions
    .slice(Math.max(0, born), place)
    .find(({ definition }) => isDeepStrictEqual(definition, versions[place]?.definition));
}

/** What differs between two versions of a definition. */
export interface VersionDiff {
  service: string;
  from: DefinitionVersion;
  to: DefinitionVersion;
  changes: readonly FieldChange[];
}

/**
 * Compares two versions of a definition. Without any, the newest with the one before it; with one, that one with the newest.
 *
 * @throws AppError `service_not_found`, `version_not_found`
 */
export function versionDiff(
  { reader }: Store,
  name: string,
  from: number | undefined,
  to: number | undefined,
): VersionDiff {
  const versions = keptVersions(reader, name);
  const newest = versions.at(-1)?.version ?? 0;
  const one =
    from === undefined ? versionBefore(versions, name) : versionNamed(versions, name, from);
  const other = versionNamed(versions, name, to ?? newest);
  return {
    service: name,
    from: one,
    to: other,
    changes: definitionChanges(one.definition, other.definition),
  };
}

/** What `services versions --json` prints of one version. */
export const versionJson = (told: VersionTold): object => ({
  version: told.version,
  seq: told.row.seq,
  time: timeText(told.row.wall),
  actor: told.row.actor,
  type: told.row.type,
  ...(told.isCurrent && { current: true }),
  ...(told.sameAs !== undefined && { same_as: told.sameAs }),
  changes: told.changes.map(changeJson),
  definition: definitionFields(told.definition),
});

/** What `services diff --json` prints. */
export const versionDiffJson = ({ service, from, to, changes }: VersionDiff): object => ({
  service,
  from: placeJson(from),
  to: placeJson(to),
  changes: changes.map(changeJson),
});

const placeJson = ({ version, row }: DefinitionVersion): object => ({
  version,
  seq: row.seq,
  time: timeText(row.wall),
  actor: row.actor,
});
