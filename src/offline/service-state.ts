import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { idOf, kindOf } from "../journal/record.ts";
import { serviceByName, services, type ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { Fold, stateOf } from "../runtime/replay.ts";
import type { Store } from "./store.ts";

/** Finds what a service is now; undefined where there is none. */
export type FindService = (name: string) => ServiceRow | undefined;

/** What services are: out of the read model, or, where that does not follow the log, out of a fold of all of it. */
export function serviceStates(store: Store): FindService {
  if (follows(store)) return (name) => serviceByName(store.db, name);
  const folded = foldedRows(store);
  return (name) => folded.get(name);
}

const follows = ({ db }: Store): boolean =>
  db
    .prepare("SELECT 1 FROM projection_heads WHERE name = ? AND version = ? AND stale IS NULL")
    .get(services.name, services.version) !== undefined;

function foldedRows({ reader }: Store): Map<string, ServiceRow> {
  const fold = new Fold();
  for (const row of reader.all()) fold.add(row);
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot.context as
    | EnvironmentContext
    | undefined;
  const rows = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active")
    .map(({ stream, snapshot }): [string, ServiceRow] => {
      const last = reader.lastOf(stream);
      return [
        idOf(stream),
        {
          name: idOf(stream),
          phase: stateOf(snapshot),
          context: snapshot.context as ServiceContext, // a service's stream has its machine
          seq: last?.seq ?? 0,
          at: last?.at ?? 0,
          quarantined: environment?.quarantined[stream] ?? null,
        },
      ];
    });
  return new Map(rows);
}
