import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { EnvironmentContext } from "../../machines/environment.ts";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { eventsGone } from "../journal/anchor.ts";
import type { EventReader, StreamSpan } from "../journal/event-reader.ts";
import { type EventRow, kindOf } from "../journal/record.ts";
import type { Snapshot } from "../journal/snapshots.ts";
import { UPCASTERS, type Upcaster } from "../journal/upcast.ts";
import { ENVIRONMENT } from "./group.ts";
import { type EndedStreams } from "./registry.ts";
import { Fold, type Mismatch } from "./replay.ts";
import { isFinal, restored } from "./restore.ts";

/*
 * Any moment of the past, from the snapshots near it: what streams were after a row of the log, without folding all that came before. A snapshot
 * that does not fit is passed over for an older one, and at last for the beginning, so that the answer is the same as that of a fold of everything.
 */

/** What of a log is needed to go to a moment. */
type PastReader = Pick<
  EventReader,
  "anchor" | "anchorStates" | "snapshotAt" | "bySeq" | "stream" | "spans" | "lastVersion"
>;

interface PastOptions {
  /** The machines that the states are to live on as. */
  bound?: { readonly [Kind in StreamKind]?: AnyStateMachine };
  upcasters?: readonly Upcaster[];
  /** Told of a snapshot that does not fit, and why. */
  onUnfit?: (snapshot: Snapshot, reason: string) => void;
}

/** What one stream was at a moment. */
interface StreamAt {
  /** Version of its last row. */
  version: number;
  /** Absent: it had ended, was given up, or was never born. */
  snapshot?: AnyMachineSnapshot;
  /** Its first row that does not fit: `snapshot` is from before it. */
  mismatch?: Mismatch;
}

/**
 * What every stream was that lived after a row. Streams that had ended by then are left out.
 *
 * It costs the number of streams: of each that lives the rows since its last snapshot, some 25 at 10 µs, of each that ended two looks into an index.
 *
 * @param seq of the row; 0: before the first
 * @throws AppError `events_gone` where retention has removed it
 */
export const statesAt = (reader: PastReader, seq: number, options: PastOptions = {}): Fold =>
  uncut(reader, seq, () => {
    const fold = new Fold(options.bound, options.upcasters);
    for (const _ of foldStreams(fold, reader, seq, options));
    return fold;
  });

/** Folds what lives after a row, a stream at a time, and says which one it has just done. Nobody may cut the log meanwhile. */
export function* foldStreams(
  fold: Fold,
  reader: PastReader,
  seq: number,
  options: PastOptions = {},
): Generator<string> {
  foldStream(fold, reader, ENVIRONMENT, { seq, above: 0 }, options);
  yield ENVIRONMENT;
  for (const span of reader.spans()) {
    if (span.stream === ENVIRONMENT || !mayLive(span, seq)) continue;
    foldStream(fold, reader, span.stream, { seq, above: retiredAt(fold, span.stream) }, options);
    yield span.stream;
  }
}

/**
 * What one stream was after a row.
 *
 * @param seq of the row, which may be of any stream; 0: before the first
 * @throws AppError `events_gone` where retention has removed it
 */
export const stateAt = (
  reader: PastReader,
  stream: string,
  seq: number,
  options: PastOptions = {},
): StreamAt =>
  uncut(reader, seq, () => {
    const fold = new Fold(options.bound, options.upcasters);
    foldStream(fold, reader, ENVIRONMENT, { seq, above: 0 }, options);
    const above = retiredAt(fold, stream);
    if (stream !== ENVIRONMENT) foldStream(fold, reader, stream, { seq, above }, options);
    const snapshot = fold.streams.get(stream)?.snapshot;
    const mismatch = fold.mismatches.get(stream);
    return {
      version: fold.versions.get(stream) ?? 0,
      ...(snapshot?.status === "active" && { snapshot }),
      ...(mismatch && { mismatch }),
    };
  });

/** What the log knows of streams that have no actor, looked up when it is asked for. */
export const endedStreams = (reader: PastReader & Pick<EventReader, "head">): EndedStreams => ({
  lastVersion: (stream) => reader.lastVersion(stream),
  lastDefinition: (stream) => {
    const { seq } = reader.head();
    const fold = new Fold();
    foldStream(fold, reader, ENVIRONMENT, { seq, above: 0 }, {});
    const above = retiredAt(fold, stream);
    // One that was given up and not born again counts on from what it was.
    foldStream(
      fold,
      reader,
      stream,
      { seq, above: above < reader.lastVersion(stream) ? above : 0 },
      {},
    );
    const context = fold.streams.get(stream)?.snapshot.context as { version?: number } | undefined;
    return context?.version ?? 0;
  },
});

/**
 * Every row that is left, in order, folded; it begins with what retention left of the rows before.
 *
 * @param fold an empty one
 * @param upTo the last seq
 * @throws AppError `events_gone` where retention cuts meanwhile
 */
export function* foldRows(
  fold: Fold,
  reader: PastReader & Pick<EventReader, "all">,
  upTo = Infinity,
  options: PastOptions = {},
): Generator<EventRow> {
  for (const state of reader.anchorStates()) beginAnchored(fold, state, options);
  if (reader.anchor()) fold.startsAnywhere = true;
  for (const row of reader.all()) {
    if (row.seq > upTo) return;
    fold.add(row);
    yield row;
  }
}

/** Runs again what retention cut into, and refuses what is below the cut. */
function uncut<Answer>(reader: PastReader, seq: number, run: () => Answer): Answer {
  for (;;) {
    const cut = reader.anchor()?.seq ?? 0;
    if (seq < cut) throw eventsGone(cut);
    const answer = attempt(run);
    if ((reader.anchor()?.seq ?? 0) === cut) return answer.value();
  }
}

const attempt = <Answer>(run: () => Answer): { value: () => Answer } => {
  try {
    const answer = run();
    return { value: () => answer };
  } catch (error) {
    return {
      value: () => {
        throw error;
      },
    };
  }
};

/** Streams that have not ended: of those that lived when retention cut last, or have rows since. */
export const livingStreams = (reader: PastReader): ReadonlySet<string> =>
  new Set(
    reader
      .spans()
      .filter((span) => mayLive(span, Infinity))
      .map(({ stream }) => stream),
  );

const mayLive = (
  { stream, firstSeq, anchored, seq: end, last }: StreamSpan,
  seq: number,
): boolean => {
  if (firstSeq > seq && !anchored) return false;
  if (!last || end > seq) return true;
  const kind = kindOf(stream);
  const isOurs = isStreamKind(kind) && last.schema === machines[kind].version;
  return !(isOurs && isFinal(kind, last.toState));
};

/** Up to which version a stream was given up: what is left of it begins behind that. */
const retiredAt = (fold: Fold, stream: string): number => {
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot.context;
  return (environment as EnvironmentContext | undefined)?.retired[stream] ?? 0;
};

/** Which part of a stream is wanted: behind a version, up to a seq. */
interface Part {
  above: number;
  seq: number;
}

function foldStream(
  fold: Fold,
  reader: PastReader,
  stream: string,
  part: Part,
  options: PastOptions,
): void {
  const version = begin(fold, reader, stream, part, options);
  for (const row of reader.stream(stream, version)) {
    if (row.seq > part.seq) return;
    if (version === undefined && !fold.versions.has(stream) && reader.anchor())
      fold.begin(stream, row.version - 1);
    fold.add(row);
  }
}

/** @returns the version of the first row that is to be folded; undefined: of the first that is left */
function begin(
  fold: Fold,
  reader: PastReader,
  stream: string,
  { seq, above }: Part,
  options: PastOptions,
): number | undefined {
  for (let upTo = seq; ;) {
    const snapshot = reader.snapshotAt(stream, upTo);
    if (!snapshot || snapshot.version <= above) break;
    if (snapshot.anchored) {
      beginAnchored(fold, snapshot, options);
      return snapshot.version + 1;
    }
    const result = restored(snapshot, reader.bySeq(snapshot.seq), withDefaults(options));
    if ("state" in result) {
      fold.begin(stream, snapshot.version, result.state);
      return snapshot.version + 1;
    }
    options.onUnfit?.(snapshot, result.unfit);
    upTo = snapshot.seq - 1;
  }
  if (above === 0) return undefined;
  fold.begin(stream, above);
  return above + 1;
}

/** There is nothing older to go back to: a state that does not fit is as bad as a row that does not. */
function beginAnchored(fold: Fold, snapshot: Snapshot, options: PastOptions): void {
  const { stream, version, seq } = snapshot;
  const result = restored(snapshot, undefined, withDefaults(options));
  if ("state" in result) return fold.begin(stream, version, result.state);
  options.onUnfit?.(snapshot, result.unfit);
  fold.begin(stream, version);
  fold.fail({
    seq,
    stream,
    type: "state at the cut",
    recorded: { from: null, to: "a state" },
    folded: { from: null, to: null },
    reason: `what retention left of it cannot be used: ${result.unfit}`,
  });
}

const withDefaults = ({ bound = {}, upcasters = UPCASTERS }: PastOptions) => ({ bound, upcasters });
