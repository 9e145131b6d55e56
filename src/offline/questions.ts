import { AppError } from "../base/errors.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { bootDiff, bootDiffJson, bootStory, storyJson } from "./boot-story.ts";
import { type Boot, bootJson, bootNamed, bootsOf } from "./boots.ts";
import { changesBetween, changesJson } from "./changes.ts";
import { EdgeCounts } from "./edge-counts.ts";
import { mustBeKnown } from "./events.ts";
import { history } from "./history.ts";
import { historyJson, whyJson } from "./json.ts";
import { lastLines } from "./last-lines.ts";
import { logPart } from "./log-part.ts";
import { countWithin, firstAtLeast, type Mark, Marks, MARKS } from "./marks.ts";
import { MomentWalk } from "./moment-walk.ts";
import { causesOf, taken, timeline, toldEvent } from "./rows-told.ts";
import { stateJson, stateThen } from "./state.ts";
import { logDirOf, type Store } from "./store.ts";
import { strip } from "./strip.ts";
import { why } from "./why.ts";

/** Parameters of a question, as they were checked at the door. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Lines of the last life that an answer to "why" shows. */
const LAST_LINES = 10;
/** Starts of one service that a small line of bars is made of. */
const HOUR_MS = 3_600_000;

const streamOf = (service: string | number | undefined): string | undefined =>
  service === undefined ? undefined : `service/${service}`;

const text = (value: string | number | undefined): string | undefined =>
  value === undefined ? undefined : String(value);

/**
 * Questions about the past as the daemon's API has them, answered from the store. Made once for an open store: what takes a walk over the whole log is
 * kept, and followed.
 */
export class Questions {
  readonly #store: Store;
  readonly #marks: Marks;
  readonly #edges: EdgeCounts;
  readonly #walk: MomentWalk;
  #boots: { version: number; all: readonly Boot[] } = { version: -1, all: [] };

  constructor(store: Store) {
    this.#store = store;
    this.#marks = new Marks(store.db);
    this.#edges = new EdgeCounts(store.db);
    this.#walk = new MomentWalk(store.reader);
  }

  /**
   * @param now milliseconds of the wall clock
   * @throws AppError what the question's function refuses; `not_found` for a question that nobody knows
   */
  async answer(question: string, parameters: Parameters, now: number): Promise<unknown> {
    const answer = Object.hasOwn(ANSWERS, question) ? ANSWERS[question as QuestionName] : undefined;
    if (!answer) throw new AppError("not_found", `nobody answers "${question}"`);
    return answer(
      {
        store: this.#store,
        marks: this.#marks,
        edges: this.#edges,
        walk: this.#walk,
        boots: () => this.#bootsNow(),
        now,
      },
      parameters,
    );
  }

  /** They are many rows in a long log, and asked for at every step into the past. */
  #bootsNow(): readonly Boot[] {
    const { reader } = this.#store;
    const { version = 0 } = reader.endOf(ENVIRONMENT) ?? {};
    if (this.#boots.version !== version) this.#boots = { version, all: bootsOf(reader) };
    return this.#boots.all;
  }
}

interface Asked {
  store: Store;
  marks: Marks;
  edges: EdgeCounts;
  walk: MomentWalk;
  boots: () => readonly Boot[];
  now: number;
}

type AnswerOf = (asked: Asked, parameters: Parameters) => unknown;

const moment = ({ store }: Asked, seq: number): { seq: number; at: number; wall: number } => {
  const { at = 0, wall = 0 } = store.reader.bySeq(seq) ?? store.reader.anchor() ?? {};
  return { seq, at, wall };
};

/** Every question, by name. */
const ANSWERS = {
  span: (asked) => {
    const { reader } = asked.store;
    const [first, last] = [reader.firstSeq(), reader.head().seq];
    return { first: moment(asked, first), last: moment(asked, last), rows: last - first + 1 };
  },
  strip: ({ store: { reader, db }, marks }, { by, buckets, from, to, service }) => {
    marks.update();
    const request = {
      by: by === "seq" ? ("seq" as const) : ("time" as const),
      buckets: Number(buckets),
      from: Math.max(Number(from ?? 1), reader.firstSeq()),
      to: Math.min(Number(to ?? Infinity), reader.head().seq),
      stream: streamOf(service),
    };
    return { by: request.by, buckets: strip(db, marks, request) };
  },
  state: (asked, { at, service }) => {
    const request = { at: text(at), service: text(service), now: asked.now };
    const then = stateThen(asked.store, request, (seq) => asked.walk.spriteAt(seq));
    const { seq, wall } = then.place;
    const boot = asked.boots().findLast(({ booted }) => booted.seq <= seq);
    return {
      place: { ...moment(asked, seq), wall },
      boot: boot ? { number: boot.number, id: boot.id } : null,
      sprite: then.sprite,
      services: stateJson(then),
      ...(then.note !== undefined && { note: then.note }),
    };
  },
  diff: ({ store, now }, { from, to, service }) =>
    changesJson(
      changesBetween(store, { from: String(from), to: text(to), service: text(service), now }),
    ),
  jump: ({ store: { reader }, marks }, { from, direction, to, service }) => {
    marks.update();
    const { seqs } = marks.of(markNamed(String(to)), to === "boot" ? undefined : streamOf(service));
    const place = firstAtLeast(seqs, Number(from) + (direction === "next" ? 1 : 0));
    const seq = direction === "next" ? seqs[place] : seqs[place - 1];
    const row = seq === undefined || seq < reader.firstSeq() ? undefined : reader.bySeq(seq);
    return { event: row ? toldEvent(reader, row) : null };
  },
  boots: ({ store: { reader } }) => bootsOf(reader).map((boot) => bootJson(boot, true)),
  boot: ({ store: { reader } }, { boot }) =>
    storyJson(bootStory(reader, text(boot)), isNewest(reader, boot)),
  "boot-diff": ({ store: { reader } }, { from, to }) =>
    bootDiffJson(bootDiff(reader, text(from), text(to))),
  why: async ({ store, now }, { service }) => {
    const answer = why(store, String(service), { now, daemon: true });
    return whyJson(answer, await lastLines(logDirOf(store) ?? "", answer, LAST_LINES));
  },
  history: ({ store }, { service, limit }) =>
    historyJson(history(store, String(service), Number(limit))),
  causes: ({ store: { reader } }, { seq }) => {
    const causes = causesOf(reader, Number(seq));
    if (causes) return causes;
    throw new AppError("not_found", `event ${seq} is not in the log, or retention has removed it`);
  },
  edges: ({ store: { reader }, edges }, { service, to }) => {
    mustBeKnown(reader, String(service));
    const upTo = Math.min(Number(to ?? Infinity), reader.head().seq);
    return { to: upTo, edges: edges.of(`service/${service}`, upTo) };
  },
  taken: ({ store: { reader } }, { service, from, to, event, before, limit }) => {
    mustBeKnown(reader, String(service));
    return taken(reader, {
      stream: streamOf(service),
      from: from === undefined || from === "" ? null : String(from),
      to: String(to),
      event: text(event),
      before: before === undefined ? undefined : Number(before),
      limit: Number(limit),
    });
  },
  timeline: ({ store: { reader } }, { service, before, type, limit }) => {
    if (service !== undefined) mustBeKnown(reader, String(service));
    return timeline(reader, {
      stream: streamOf(service),
      before: before === undefined ? undefined : Number(before),
      types: text(type)?.split(","),
      limit: Number(limit),
    });
  },
  restarts: ({ marks, now }, { from_wall: from, buckets }) => {
    marks.update();
    const begin = Number(from ?? now - HOUR_MS);
    return {
      from_wall: begin,
      to_wall: now,
      services: restartsSince(marks, begin, now, Number(buckets)),
    };
  },
  logs: ({ store }, { service, around, before, after }) => {
    mustBeKnown(store.reader, String(service));
    return logPart(store, logDirOf(store) ?? "", {
      service: String(service),
      around: around === undefined ? undefined : Number(around),
      before: Number(before),
      after: Number(after),
    });
  },
} as const satisfies Readonly<Record<string, AnswerOf>>;

export type QuestionName = keyof typeof ANSWERS;

const markNamed = (name: string): Mark => MARKS.find((one) => one === name) ?? "restart";

const isNewest = (reader: Store["reader"], named: string | number | undefined): boolean => {
  const boots = bootsOf(reader);
  return bootNamed(boots, text(named)).number === boots.length;
};

/** Restarts and last crashes of each service that had any, in pieces of the same length. */
function restartsSince(
  marks: Marks,
  from: number,
  to: number,
  buckets: number,
): Record<string, number[]> {
  const length = Math.max(1, (to - from) / buckets);
  const found: Record<string, number[]> = {};
  for (const stream of marks.streams) {
    const { walls } = marks.of("restart", stream);
    if (countWithin(walls, from, to) === 0) continue;
    found[stream.slice("service/".length)] = Array.from({ length: buckets }, (_, index) =>
      countWithin(walls, from + index * length, from + (index + 1) * length - 1),
    );
  }
  return found;
}
