import type { ServiceWire } from "../api/view-schemas.ts";
import { listedServices } from "../api/wire.ts";
import type { ServiceView } from "../commands/ports.ts";
import { viewOf } from "../commands/views.ts";
import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { mustBeKnown } from "./events.ts";
import { type Place, placeOf } from "./past.ts";
import { type PastService, type PastSprite, partOfSpriteAt, spriteAt } from "./past-services.ts";
import type { Store } from "./store.ts";
import { timeText } from "../base/time-text.ts";

/** A service at a moment. */
interface ServiceThen {
  view: ServiceView;
  /** The last row of its stream by then; absent where retention has removed it. */
  last?: EventRow;
}

/** The services at a moment. */
export interface StateThen {
  place: Place;
  /** Of the sprite: `down` where no daemon had it. */
  sprite: string;
  services: readonly ServiceThen[];
  /** What is to be known of the moment: that nobody looked then. */
  note?: string;
}

interface StateRequest {
  /** The one service that is asked for; absent: all. */
  service?: string | undefined;
  /** A moment as somebody gave it; absent: now. */
  at?: string | undefined;
  /** Milliseconds of the wall clock. */
  now: number;
}

/**
 * What services were at a moment.
 *
 * @param spriteOf finds all services at a row; by default from snapshots
 * @throws AppError as `placeOf`; `service_not_found` where the service was not there then
 */
export function stateThen(
  { reader }: Pick<Store, "reader">,
  { service, at, now }: StateRequest,
  spriteOf: (seq: number) => PastSprite = (seq) => spriteAt(reader, seq),
): StateThen {
  if (service !== undefined) mustBeKnown(reader, service);
  const place = placeOf(reader, at, now, "--at");
  const { seq } = place;
  const sprite = service === undefined ? spriteOf(seq) : partOfSpriteAt(reader, seq, service);
  const wanted = [...sprite.services.values()].filter(
    ({ name }) => service === undefined || name === service,
  );
  if (service !== undefined && wanted.length === 0) throw notThere(reader, service, place);
  const note = noteOn(reader, seq);
  return {
    place,
    sprite: sprite.phase,
    services: wanted.map((one) => ({
      view: viewThen(one, sprite, place),
      ...(one.last && { last: one.last }),
    })),
    ...(note !== undefined && { note }),
  };
}

/** A service of the past as commands show one of today. Values of its variables are not looked for. */
export function viewThen(
  service: PastService,
  { services }: PastSprite,
  { wallOffset }: Pick<Place, "wallOffset">,
): ServiceView {
  const clock = { now: () => 0, wall: () => wallOffset };
  return viewOf(service, (name) => services.get(name), clock, "");
}

/** A row after which a daemon was killed says nothing of what its services did until the next one looked. */
function noteOn(reader: EventReader, seq: number): string | undefined {
  const next = reader.bySeq(seq + 1);
  const begins = next?.stream === ENVIRONMENT && next.type === "environment.booted";
  const wasKilled = begins && next.fromState !== null && next.fromState !== "down";
  if (!wasKilled) return undefined;
  return (
    `the daemon was killed after event ${seq}, and the next one began at ${timeText(next.wall)}: ` +
    "what services did in between was seen by nobody"
  );
}

function notThere(reader: EventReader, name: string, { seq }: Place): AppError {
  const [next] = reader.fromSeqIn(`service/${name}`, seq + 1, 1);
  const [before] = reader.newest(1, { stream: `service/${name}`, before: seq + 1 });
  const gone = before && `it was deleted by event ${before.seq}, at ${timeText(before.wall)}`;
  const comes = next && `it was created by event ${next.seq}, at ${timeText(next.wall)}`;
  const when = [gone, gone && comes ? comes.replace("created", "created again") : comes];
  return new AppError(
    "service_not_found",
    `service "${name}" was not there at event ${seq}: ${when.filter(Boolean).join("; ")}`,
  );
}

/** A service as lists show it, with the moment and the last event that had to do with it. */
export interface ServiceThenJson extends ServiceWire {
  as_of: { seq: number; time: string; note?: string };
  last_event?: { seq: number; time: string; type: string; actor: string };
}

/** What `state --json` prints: the shape of `services list`, and of `services get` for one. */
export function stateJson({ place, services, note }: StateThen): ServiceThenJson[] {
  const asOf = { seq: place.seq, time: timeText(place.wall), ...(note !== undefined && { note }) };
  const wires = listedServices(services.map(({ view }) => view));
  return services.flatMap(({ last }, index) => {
    const wire = wires[index];
    return wire ? [{ ...wire, as_of: asOf, ...(last && { last_event: lastJson(last) }) }] : [];
  });
}

const lastJson = ({
  seq,
  wall,
  type,
  actor,
}: EventRow): NonNullable<ServiceThenJson["last_event"]> => ({
  seq,
  time: timeText(wall),
  type,
  actor,
});
