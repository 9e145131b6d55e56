import { hash } from "node:crypto";
import type { EventRow } from "../../src/journal/record.ts";
import { keeps } from "./broken.ts";
import { isUp, type Plain } from "./plain.ts";

/** What is known of the log before a row. */
export interface Before {
  last: EventRow | undefined;
  lastOfStream: EventRow | undefined;
  /** Retention removed the rows up to here. */
  cut: number;
  services: ReadonlyMap<string, Plain>;
  /** Phase of the environment. */
  environment: string;
  byId: ReadonlyMap<string, EventRow>;
  incarnations: ReadonlySet<string>;
}

const GENESIS = "0".repeat(64);

/** The order in which a row's hash covers its columns (docs/events.md). */
const columnsOf = (row: EventRow) => [
  row.seq,
  row.id,
  row.stream,
  row.version,
  row.type,
  row.schema,
  JSON.stringify(row.data),
  row.at,
  row.wall,
  row.bootId,
  row.incarnation,
  row.cause,
  row.correlation,
  row.actor,
  row.fromState,
  row.toState,
];

const hashOf = (row: EventRow): string =>
  hash("sha256", row.prevHash + JSON.stringify(columnsOf(row)), "hex");

/** I14: each row follows the one before it, in the log and in its stream, and its time does not go back. */
function follows(row: EventRow, { last, lastOfStream, byId, cut }: Before): void {
  const say = (what: string) => () => `row ${row.seq} (${row.stream} ${row.type}) ${what}`;
  keeps(row.seq === (last?.seq ?? 0) + 1, "I14", say(`follows row ${last?.seq ?? 0}`));
  keeps(row.prevHash === (last?.hash ?? GENESIS), "I14", say("is not chained to the one before"));
  keeps(row.hash === hashOf(row), "I14", say("has another hash than its columns"));
  keeps(row.at >= (last?.at ?? 0), "I14", say("is older than the one before"));
  keeps(!byId.has(row.id), "I14", say(`has the id ${row.id} of an earlier row`));
  // A stream that ended below the cut leaves nothing: it begins anew.
  const isForgotten = lastOfStream?.toState === "deleted" && lastOfStream.seq <= cut;
  const version = isForgotten && row.version === 1 ? 1 : (lastOfStream?.version ?? 0) + 1;
  keeps(row.version === version, "I14", say(`has version ${row.version}, not ${version}`));
  const from = lastOfStream?.toState ?? null;
  const isBirth = row.fromState === null && (from === null || from === "deleted");
  keeps(isBirth || row.fromState === from, "I13", say(`leaves ${row.fromState}, not ${from}`));
}

/** Who may ask for a start: a person, or a start that a person asked for. I6: never the runtime by itself. */
function isAskedFor(row: EventRow, { byId }: Before): boolean {
  for (let at: EventRow | undefined = row; at; at = at.cause ? byId.get(at.cause) : undefined) {
    if (!/^service\.(created|changed|start_requested|restart_requested)$/.test(at.type))
      return false;
    if (at.actor !== "runtime") return true;
  }
  return false;
}

/** I6, needs: what a row that asks for a process must find. */
function mayStart(
  row: EventRow,
  service: Plain,
  { services, environment, incarnations }: Before,
): void {
  const say = (why: string) => () => `row ${row.seq} starts ${service.name}, which ${why}`;
  keeps(service.desired === "running", "I6", say("is to be stopped"));
  keeps(!service.deleting, "I6", say("is being deleted"));
  keeps(service.ended === undefined, "I6", say(`is down for good: ${service.ended}`));
  keeps(environment === "booting" || environment === "ready", "I6", say("has no sprite to run in"));
  keeps(!incarnations.has(row.incarnation ?? ""), "I1", say("was given an id for the second time"));
  for (const need of service.definition.needs ?? [])
    keeps(isUp(services.get(need)), "needs", say(`needs ${need}, which is not up`));
}

/** @param service the row's own, before it */
export function mustBeAllowed(row: EventRow, before: Before, service: Plain | undefined): void {
  follows(row, before);
  if (row.type === "service.start_requested" && row.actor === "runtime") {
    const say = () => `row ${row.seq} starts ${service?.name}, and no person asked for it`;
    keeps(isAskedFor(row, before), "I6", say);
  }
  if (row.type === "process.spawn_requested" && service) mayStart(row, service, before);
}
