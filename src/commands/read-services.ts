import { isDeepStrictEqual } from "node:util";
import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Db } from "../journal/sqlite.ts";
import { follows } from "../projections/heads.ts";
import { allServices, serviceByName, services, type ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import type { Live, Registry } from "../runtime/registry.ts";
import { type Fold, type Folded, stateOf } from "../runtime/replay.ts";

/** Where answers about services come from. */
export interface ServiceReads {
  all: () => ServiceRow[];
  byName: (name: string) => ServiceRow | undefined;
  /** Names of services of which the read model says something else than the actors do. Meant for a moment at which nothing is being stored. */
  wrong: () => string[];
}

/**
 * Answers from the read model, or, while that is being made anew, from the actors: they are what is on disk, too. So a read model that is stale,
 * or of another release, is never seen.
 *
 * @param fold what the actors were made of: it alone has streams that were quarantined before
 * @param lastSeq the last row that is known to be stored: after an I/O error the file may show more, and a power cut take it back
 */
export function serviceReads(
  db: Db,
  registry: Pick<Registry, "get" | "streams">,
  fold: Pick<Fold, "streams" | "mismatches">,
  lastSeq: () => number = () => Infinity,
): ServiceReads {
  const live = (): ServiceRow[] => {
    const quarantined = quarantinedIn(registry);
    const actors = registry
      .streams()
      .filter((stream) => kindOf(stream) === "service")
      .map((stream) => registry.get(stream))
      .filter((one) => one !== undefined);
    const known = new Set(actors.map(({ stream }) => stream));
    const lost = [...fold.mismatches.keys()]
      .filter((stream) => !known.has(stream) && quarantined[stream] !== undefined)
      .map((stream) => fold.streams.get(stream))
      .filter((one) => one !== undefined);
    return [...actors, ...lost]
      .map((one) => rowOf(one, quarantined[one.stream]))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  };
  /** As of one moment: between two looks another table may have come into the place of the first. */
  const asked = <Answer>(table: () => Answer, actors: () => Answer): Answer =>
    db.transaction(() => ((follows(db, services, lastSeq()) ? table : undefined) ?? actors)())();
  return {
    all: () => asked(() => allServices(db), live),
    byName: (name) =>
      asked(
        () => serviceByName(db, name),
        () => live().find((row) => row.name === name),
      ),
    wrong: () => (follows(db, services) ? different(allServices(db), live()) : []),
  };
}

type Known = Pick<Live | Folded, "stream" | "snapshot">;

/** Which row was its last is not known here, and nobody who is answered so asks for it. */
const rowOf = ({ stream, snapshot }: Known, quarantined: string | undefined): ServiceRow => ({
  name: idOf(stream),
  phase: stateOf(snapshot),
  context: snapshot.context as ServiceContext, // a service's stream has its machine
  seq: 0,
  at: 0,
  quarantined: quarantined ?? null,
});

const quarantinedIn = (registry: Pick<Registry, "get">): EnvironmentContext["quarantined"] =>
  (registry.get(ENVIRONMENT)?.snapshot.context as EnvironmentContext | undefined)?.quarantined ??
  {};

/** Services that stand in one alone, or not the same in both. Of a quarantined one the log itself says different things. */
function different(table: readonly ServiceRow[], live: readonly ServiceRow[]): string[] {
  const [one, other] = [table, live].map(
    (rows) => new Map(rows.map((row) => [row.name, told(row)])),
  );
  const names = new Set([...table, ...live].map(({ name }) => name));
  const isQuarantined = new Set(
    [...table, ...live].filter(({ quarantined }) => quarantined !== null).map(({ name }) => name),
  );
  return [...names]
    .filter((name) => !isQuarantined.has(name))
    .filter((name) => !isDeepStrictEqual(one?.get(name), other?.get(name)))
    .toSorted();
}

/** As JSON keeps it: without what is undefined. */
const told = ({ phase, context }: ServiceRow): unknown =>
  JSON.parse(JSON.stringify({ phase, context }));
