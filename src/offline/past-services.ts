import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { type EventRow, idOf, kindOf } from "../journal/record.ts";
import type { ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { statesAt } from "../runtime/past.ts";
import { type Fold, type Folded, stateOf } from "../runtime/replay.ts";

/** A service as it was after some row. */
export interface PastService extends ServiceRow {
  /** The last row of its stream by then; absent where retention has removed it. */
  last?: EventRow;
}

/** The sprite and its services as they were after some row. */
export interface PastSprite {
  /** `down` where no daemon had the sprite, or none had begun. */
  phase: string;
  services: ReadonlyMap<string, PastService>;
}

/**
 * What everything was after a row: all services that were not deleted, in the order of their names. It costs the number of services, not of
 * events.
 *
 * @param seq of the row; 0: before the first
 * @throws AppError `events_gone` where retention has removed it
 */
export function spriteAt(reader: EventReader, seq: number): PastSprite {
  const fold = statesAt(reader, seq);
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot;
  const services = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active")
    .map((folded) => serviceOf(reader, fold, folded, seq))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return {
    phase: environment ? stateOf(environment) : "down",
    services: new Map(services.map((service) => [service.name, service])),
  };
}

function serviceOf(
  reader: EventReader,
  fold: Fold,
  { stream, snapshot }: Folded,
  seq: number,
): PastService {
  const [last] = reader.newest(1, { stream, before: seq + 1 });
  return {
    name: idOf(stream),
    phase: stateOf(snapshot),
    context: snapshot.context as ServiceContext, // a service's stream has its machine
    seq: last?.seq ?? 0,
    at: last?.at ?? 0,
    quarantined: quarantinedIn(fold, stream) ?? null,
    ...(last && { last }),
  };
}

/** Why a stream is quarantined: as it was recorded, or because it has a row that does not fit. */
function quarantinedIn(fold: Fold, stream: string): string | undefined {
  const context = fold.streams.get(ENVIRONMENT)?.snapshot.context as EnvironmentContext | undefined;
  const mismatch = fold.mismatches.get(stream);
  return context?.quarantined[stream] ?? (mismatch && `event ${mismatch.seq}: ${mismatch.reason}`);
}
