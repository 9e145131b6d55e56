import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import { idOf, kindOf } from "../journal/record.ts";
import { follows } from "../projections/heads.ts";
import { serviceByName, services, type ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { statesAt } from "../runtime/past.ts";
import { stateOf } from "../runtime/replay.ts";
import type { Store } from "./store.ts";

/** Finds what a service is now; undefined where there is none. */
type FindService = (name: string) => ServiceRow | undefined;

/** What services are: out of the read model, or, where that does not follow the log, out of a fold. */
export function serviceStates(store: Store): FindService {
  if (follows(store.db, services)) return (name) => serviceByName(store.db, name);
  const folded = foldedRows(store);
  return (name) => folded.get(name);
}

function foldedRows({ reader }: Store): Map<string, ServiceRow> {
  const fold = statesAt(reader, reader.head().seq);
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot.context as
    | EnvironmentContext
    | undefined;
  const rows = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active")
    .map(({ stream, snapshot }): [string, ServiceRow] => {
      const last = reader.endOf(stream);
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
