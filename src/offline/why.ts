import type { ServiceContext } from "../../machines/service-context.ts";
import { waitingFor } from "../commands/views.ts";
import type { EventRow } from "../journal/record.ts";
import type { ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { stateAt } from "../runtime/past.ts";
import { stateOf } from "../runtime/replay.ts";
import { mustBeKnown } from "./events.ts";
import { headline, type Present } from "./headline.ts";
import { type Life, LifeTracker } from "./lives.ts";
import { serviceStates } from "./service-state.ts";
import { askedSteps, endSteps, reasonSteps, startSteps, type Step } from "./steps.ts";
import type { Store } from "./store.ts";
import { textOf, who } from "./words.ts";

/** Why a service is as it is. */
export interface Why {
  service: string;
  /** The machine's state, or `deleted`. */
  phase: string;
  quarantined: boolean;
  /** Sentences: what it is, since when, what it waits for. */
  headline: readonly string[];
  /** The chain that led there, in order. */
  steps: readonly Step[];
  /** The life whose last lines belong to the answer: the one that ended, else the present one. */
  life?: Life;
  /** Where the lines of the life after it begin: where its own end at the latest. */
  nextLogFrom?: number;
}

interface WhyRequest {
  /** Milliseconds of the wall clock. */
  now: number;
  /** Whether a daemon looks after this store. */
  daemon: boolean;
}

/**
 * Tells why a service is as it is: the chain of its last start, restart or stop, from whoever asked first, and why it is not running where
 * it is not. All of it is read from the service's own rows and the rows they name as their cause; nothing is guessed.
 *
 * @throws AppError `service_not_found`
 */
export function why(store: Store, name: string, { now, daemon }: WhyRequest): Why {
  const { reader } = store;
  mustBeKnown(reader, name);
  const find = serviceStates(store);
  const state = find(name);
  const tracker = trackedTo(store, name, state);
  const phase = state?.phase ?? "deleted";
  const present: Present = {
    name,
    phase,
    tracker,
    now,
    daemon,
    environment: phaseOfSprite(store),
    needs: state ? waitingFor(state, find).map((need) => ({ need, phase: find(need)?.phase })) : [],
    ...(state && { state }),
  };
  const { steps, life } = story(store, present);
  const ended = life ?? tracker.current;
  const next = ended === tracker.previous ? tracker.current?.logFrom : undefined;
  return {
    service: name,
    phase,
    quarantined: typeof state?.quarantined === "string",
    headline: [...headline(present), ...(state && steps.length === 0 ? goneBefore(store) : [])],
    steps: inOrder(steps),
    ...(ended && { life: ended }),
    ...(next !== undefined && { nextLogFrom: next }),
  };
}

function phaseOfSprite({ reader }: Store): string {
  const { snapshot } = stateAt(reader, ENVIRONMENT, reader.head().seq);
  return snapshot ? stateOf(snapshot) : "down";
}

/** Why nothing is told of what led there. */
function goneBefore({ reader }: Store): string[] {
  const cut = reader.firstSeq() - 1;
  return cut === 0 ? [] : [`What led there is gone: retention has removed events up to ${cut}.`];
}

/** Follows the rows up to those that the state knows: a daemon may have written more meanwhile. */
function trackedTo({ reader }: Store, name: string, state: ServiceRow | undefined): LifeTracker {
  const tracker = new LifeTracker();
  const stream = `service/${name}`;
  const atCut = reader.anchor() && stateAt(reader, stream, reader.firstSeq() - 1).snapshot;
  if (atCut) tracker.resume(atCut.context as ServiceContext, reader.archived(stream)); // a service's stream has its machine
  for (const row of reader.stream(stream)) {
    if (state && row.seq > state.seq) break;
    tracker.add(row);
  }
  return tracker;
}

/** Once each, in the order of the log. Two steps may speak of one row: they stay as they were told. */
function inOrder(steps: readonly Step[]): Step[] {
  const seen = new Set<string>();
  return steps
    .filter(({ row, text }) => !seen.has(`${row.seq} ${text}`) && seen.add(`${row.seq} ${text}`))
    .toSorted((one, other) => one.row.seq - other.row.seq);
}

interface Story {
  steps: Step[];
  /** The life that ended in it. */
  life?: Life | undefined;
}

function story(store: Store, { name, phase, state, tracker }: Present): Story {
  const { reader: causes } = store;
  const { current, previous, pendingBy } = tracker;
  if (typeof state?.quarantined === "string")
    return { steps: environmentSteps(store, name, "stream.quarantined") };
  switch (phase) {
    case "pending":
      return { steps: pendingBy ? reasonSteps(causes, pendingBy, current) : [], life: current };
    case "starting":
    case "running":
      if (!current) return { steps: [] };
      return { steps: startSteps(causes, current, previous), life: toldEnd(current, previous) };
    case "restarting":
    case "stopping":
      return { steps: [...lastWish(store, tracker), ...endSteps(causes, current)], life: current };
    default:
      return {
        steps: [
          ...endSteps(causes, current),
          ...lastWish(store, tracker),
          ...(state ? [] : environmentSteps(store, name, "stream.retired")),
        ],
        life: current,
      };
  }
}

/** A start after a crash, a restart or a boot is explained by the end before it; a start that was asked for is not. */
function toldEnd(current: Life, previous: Life | undefined): Life {
  const isAnswer = [
    "timer.fired",
    "incarnation.emptied",
    "process.spawn_failed",
    "environment.booted",
  ];
  return previous && isAnswer.includes(current.reason.type) ? previous : current;
}

/** What brought it down, where its life had ended by then, or changed what its end is to lead to. */
function lastWish({ reader }: Store, { phaseBy, wishes, current }: LifeTracker): Step[] {
  const stop = wishes.get("service.stop_requested");
  const rows = [
    phaseBy,
    wishes.get("service.delete_requested"),
    stop && isLast(stop, wishes) ? stop : undefined,
  ];
  return rows
    .filter((row): row is EventRow => row !== undefined && row.type.startsWith("service."))
    .flatMap((row) => askedSteps(reader, row, current));
}

const isLast = (row: EventRow, wishes: ReadonlyMap<string, EventRow>): boolean =>
  ["service.start_requested", "service.restart_requested", "service.created"].every(
    (type) => (wishes.get(type)?.seq ?? 0) < row.seq,
  );

/** What was last done to its stream as a whole. */
function environmentSteps({ reader }: Store, name: string, type: string): Step[] {
  const stream = `service/${name}`;
  return [...reader.stream(ENVIRONMENT)]
    .filter((row) => row.type === type && row.data["stream"] === stream)
    .slice(-1)
    .map((row) => ({ row, text: aboutStream(row) }));
}

const aboutStream = (row: EventRow): string =>
  row.type === "stream.quarantined"
    ? `it was quarantined: ${textOf(row, "reason")}`
    : `${who(row.actor)} deleted it while it was quarantined`;
