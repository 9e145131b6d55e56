import { resolved } from "../../machines/definition.ts";
import type { EnvironmentContext } from "../../machines/environment.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { type EventRow, idOf, kindOf } from "../journal/record.ts";
import type { ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { stateAt, statesAt } from "../runtime/past.ts";
import { type Fold, type Folded, type Mismatch, stateOf } from "../runtime/replay.ts";

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
  return spriteIn(statesAt(reader, seq), reader);
}

/** The sprite as a fold of the log has it. */
export function spriteIn(fold: Fold, reader: Pick<EventReader, "ofVersion">): PastSprite {
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot;
  const services = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active")
    .map(({ stream, snapshot }) => {
      const mismatch = fold.mismatches.get(stream);
      const last = reader.ofVersion(stream, fold.versions.get(stream) ?? 0);
      return serviceOf(last, stream, { snapshot, mismatch }, environment);
    });
  return spriteOf(environment, services);
}

/** The last row of a stream up to a seq; undefined where retention has removed it. */
export const lastUpTo = (
  reader: Pick<EventReader, "newest">,
  stream: string,
  seq: number,
): EventRow | undefined => reader.newest(1, { stream, before: seq + 1 })[0];

/**
 * The same of one service and what it needs, for the cost of those.
 *
 * @throws AppError as `spriteAt`
 */
export function partOfSpriteAt(reader: EventReader, seq: number, name: string): PastSprite {
  const environment = stateAt(reader, ENVIRONMENT, seq).snapshot;
  const find = (one: string): PastService[] => {
    const stream = `service/${one}`;
    const { snapshot, mismatch } = stateAt(reader, stream, seq);
    const last = lastUpTo(reader, stream, seq);
    return snapshot ? [serviceOf(last, stream, { snapshot, mismatch }, environment)] : [];
  };
  const [service] = find(name);
  const { needs } = resolved(service?.context.definition ?? { cmd: "" });
  return spriteOf(environment, [...(service ? [service] : []), ...needs.flatMap(find)]);
}

type Snapshot = Folded["snapshot"];

const spriteOf = (
  environment: Snapshot | undefined,
  services: readonly PastService[],
): PastSprite => ({
  phase: environment ? stateOf(environment) : "down",
  services: new Map(
    services
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map((service) => [service.name, service]),
  ),
});

interface Found {
  snapshot: Snapshot;
  mismatch: Mismatch | undefined;
}

function serviceOf(
  last: EventRow | undefined,
  stream: string,
  { snapshot, mismatch }: Found,
  environment: Snapshot | undefined,
): PastService {
  const context = environment?.context as EnvironmentContext | undefined;
  const unfit = mismatch && `event ${mismatch.seq}: ${mismatch.reason}`;
  return {
    name: idOf(stream),
    phase: stateOf(snapshot),
    context: snapshot.context as ServiceContext, // a service's stream has its machine
    seq: last?.seq ?? 0,
    at: last?.at ?? 0,
    quarantined: context?.quarantined[stream] ?? unfit ?? null,
    ...(last && { last }),
  };
}
