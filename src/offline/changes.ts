import { isDeepStrictEqual } from "node:util";
import { AppError } from "../base/errors.ts";
import { idOf, type EventRow } from "../journal/record.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { changeJson, definitionChanges, type FieldChange } from "./definitions.ts";
import { mustBeKnown } from "./events.ts";
import type { HistoryWish } from "./history.ts";
import { wishJson } from "./json.ts";
import { type Place, placeOf } from "./past.ts";
import { type PastService, type PastSprite, spriteAt } from "./past-services.ts";
import { viewThen } from "./state.ts";
import { wishInWords } from "./steps.ts";
import type { Store } from "./store.ts";
import { timeText } from "../base/time-text.ts";

/** What of a service is compared, as the wire calls it. */
export interface Brief {
  phase: string;
  desired: string;
  version: number;
  pid?: number;
  restart_count: number;
  flags?: readonly string[];
}

/** What became of one service between two moments. */
export interface ServiceChange {
  name: string;
  /** `passing`: it came and went in between. `replaced`: it was deleted, and another one of its name created. */
  kind: "new" | "gone" | "passing" | "replaced" | "changed";
  before?: Brief;
  after?: Brief;
  /** What differs between its definitions. */
  definition: readonly FieldChange[];
  /** Processes that were started for it, and failures that were to be retried. */
  starts: number;
  crashes: number;
  wishes: readonly HistoryWish[];
}

/** What changed between two moments. */
export interface Changes {
  from: Place;
  to: Place;
  /** Daemons that began. */
  boots: readonly EventRow[];
  services: readonly ServiceChange[];
  /** Names of services that were there all the time and to which nothing happened. */
  unchanged: readonly string[];
}

interface ChangesRequest {
  service?: string | undefined;
  from: string;
  /** Absent: now. */
  to?: string | undefined;
  /** Milliseconds of the wall clock. */
  now: number;
}

/**
 * What changed between two moments: services that came and went, states, definitions, and who asked for what in between.
 *
 * @throws AppError as `placeOf`; `service_not_found`; `invalid_request` where `to` is before `from`
 */
export function changesBetween(store: Store, request: ChangesRequest): Changes {
  const { reader } = store;
  const { service, now } = request;
  if (service !== undefined) mustBeKnown(reader, service);
  const from = placeOf(reader, request.from, now, "--from");
  const to = placeOf(reader, request.to, now, "--to");
  if (to.seq < from.seq)
    throw new AppError(
      "invalid_request",
      `--to (event ${to.seq}) is before --from (event ${from.seq}): give the earlier moment first`,
    );
  const before = { sprite: spriteAt(reader, from.seq), place: from };
  const after = { sprite: spriteAt(reader, to.seq), place: to };
  const counted = countsBetween(store, from.seq, to.seq);
  const wishes = wishesBetween(store, from.seq, to.seq);
  const named = [
    ...before.sprite.services.keys(),
    ...after.sprite.services.keys(),
    ...counted.keys(),
  ];
  const names = [...new Set(named)].filter((name) => service === undefined || name === service);
  const all = names
    .toSorted()
    .map((name) => changeOf(name, before, after, counted.get(name), wishes.get(name) ?? []));
  const services = all.filter(isChange);
  return {
    from,
    to,
    boots: bootsBetween(store, from.seq, to.seq),
    services,
    unchanged: all.filter((one) => !isChange(one)).map(({ name }) => name),
  };
}

interface Then {
  sprite: PastSprite;
  place: Place;
}

function changeOf(
  name: string,
  before: Then,
  after: Then,
  counts: Counts | undefined,
  wishes: readonly HistoryWish[],
): ServiceChange {
  const old = before.sprite.services.get(name);
  const fresh = after.sprite.services.get(name);
  return {
    name,
    kind: kindOf(old, fresh, (counts?.births ?? 0) > 0),
    ...(old && { before: briefOf(old, before) }),
    ...(fresh && { after: briefOf(fresh, after) }),
    definition:
      old && fresh ? definitionChanges(old.context.definition, fresh.context.definition) : [],
    starts: counts?.starts ?? 0,
    crashes: counts?.crashes ?? 0,
    wishes,
  };
}

function kindOf(
  old: PastService | undefined,
  fresh: PastService | undefined,
  isBorn: boolean,
): ServiceChange["kind"] {
  if (old && fresh) return isBorn ? "replaced" : "changed";
  if (old) return "gone";
  return fresh ? "new" : "passing";
}

function briefOf(service: PastService, { sprite, place }: Then): Brief {
  const { phase, desired, version, pid, restartCount, flags } = viewThen(service, sprite, place);
  return {
    phase,
    desired,
    version,
    ...(pid !== undefined && { pid }),
    restart_count: restartCount,
    ...(flags.length > 0 && { flags }),
  };
}

const isChange = ({ kind, before, after, starts, crashes, wishes }: ServiceChange): boolean =>
  kind !== "changed" || starts + crashes + wishes.length > 0 || !isDeepStrictEqual(before, after);

interface Counts {
  starts: number;
  crashes: number;
  births: number;
}

const COUNTS = `
  SELECT stream, sum(type = 'process.spawned') AS starts, sum(type = 'service.created') AS births,
    sum(to_state IN ('crashed', 'failed') AND coalesce(from_state, '') NOT IN ('crashed', 'failed')) AS crashes
  FROM events WHERE seq > ? AND seq <= ? AND +stream >= 'service/' AND +stream < 'service0' GROUP BY stream`;

/** Counted by SQLite along the sequence numbers (the plus keeps it off the index of streams): about half a microsecond a row. */
function countsBetween({ db }: Store, from: number, to: number): Map<string, Counts> {
  const rows = db.prepare<[number, number], Counts & { stream: string }>(COUNTS).all(from, to);
  return new Map(rows.map(({ stream, ...counts }) => [idOf(stream), counts]));
}

const WISHES = `
  SELECT seq FROM events WHERE seq > ? AND seq <= ? AND actor <> 'runtime' AND type LIKE 'service.%' ORDER BY seq`;

function wishesBetween(
  { db, reader }: Store,
  from: number,
  to: number,
): Map<string, HistoryWish[]> {
  const wishes = new Map<string, HistoryWish[]>();
  for (const seq of db.prepare<[number, number], number>(WISHES).pluck().all(from, to)) {
    const row = reader.bySeq(seq);
    const text = row && wishInWords(row);
    if (!row || text === undefined) continue;
    const name = idOf(row.stream);
    const { wall, type, actor } = row;
    wishes.set(name, [...(wishes.get(name) ?? []), { seq, wall, type, actor, text }]);
  }
  return wishes;
}

const bootsBetween = ({ reader }: Store, from: number, to: number): EventRow[] =>
  [...reader.stream(ENVIRONMENT)].filter(
    ({ type, seq }) => type === "environment.booted" && seq > from && seq <= to,
  );

/** What `diff --json` prints. */
export const changesJson = ({ from, to, boots, services, unchanged }: Changes): object => ({
  from: placeJson(from),
  to: placeJson(to),
  boots: boots.map(({ seq, wall, bootId, data }) => ({
    seq,
    time: timeText(wall),
    id: bootId,
    pid: data["pid"],
    release: data["release"],
  })),
  services: services.map(({ name, kind, before, after, definition, starts, crashes, wishes }) => ({
    name,
    change: kind,
    ...(before && { before }),
    ...(after && { after }),
    definition: definition.map(changeJson),
    starts,
    crashes,
    wishes: wishes.map(wishJson),
  })),
  unchanged,
});

const placeJson = ({ seq, wall }: Place): object => ({ seq, time: timeText(wall) });
