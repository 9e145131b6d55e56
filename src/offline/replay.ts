import { createHash } from "node:crypto";
import type { EnvironmentContext } from "../../machines/environment.ts";
import { exitInWords, type ServiceContext } from "../../machines/service-context.ts";
import { AppError } from "../base/errors.ts";
import { idOf, kindOf, type EventRow } from "../journal/record.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { foldRows } from "../runtime/past.ts";
import { Fold, type Folded, type Mismatch, stateOf } from "../runtime/replay.ts";
import { projectionChecker, type ProjectionCheck } from "./projection-check.ts";
import type { Store } from "./store.ts";

export interface ReplayCheck {
  ok: boolean;
  /** Rows folded. */
  events: number;
  streams: number;
  /** The first row of each stream that its machine would not have written, by seq. */
  mismatches: readonly Mismatch[];
  /** Whether a second fold gave the same bytes. */
  sameBytes: boolean;
  projection: ProjectionCheck;
}

/** A service as the fold of its stream leaves it. */
export interface FoldedService {
  name: string;
  phase: string;
  desired: string;
  version: number;
  restartCount: number;
  lastExit?: string;
  quarantined?: string;
  /** Its last row (or the first that does not fit), and when that was, in milliseconds of the wall clock. */
  seq: number;
  wall: number;
}

type Progress = (rows: number, of: number) => void;

/** Rows between two calls of `Progress`. */
const STEP = 1_000;

/**
 * Folds the whole log through the machines, twice, and compares: each row's recorded states with those its machine gives, the two results with
 * each other, the read model with the result.
 *
 * It costs some ten microseconds a row, in this process. A daemon may go on writing meanwhile: what it adds is folded, too, before the read
 * model is looked at.
 *
 * @throws AppError `log_corrupt` where a row's data cannot be read
 */
export function checkReplay(store: Store, onProgress: Progress = () => {}): ReplayCheck {
  const { reader } = store;
  const end = reader.head().seq;
  const count = counted(2 * (end - reader.firstSeq() + 1), onProgress);
  const one = foldUpTo(store, end, count);
  const other = foldUpTo(store, end, count);
  const sameBytes = bytesOf(one) === bytesOf(other);
  const projection = projectionChecker(store, other, end)();
  const mismatches = [...other.mismatches.values()].toSorted((a, b) => a.seq - b.seq);
  return {
    ok: mismatches.length === 0 && sameBytes && projection.outcome !== "differs",
    events: end - reader.firstSeq() + 1,
    streams: other.versions.size,
    mismatches,
    sameBytes,
    projection,
  };
}

function counted(of: number, onProgress: Progress): () => void {
  let rows = 0;
  return () => {
    rows += 1;
    if (rows % STEP === 0) onProgress(rows, of);
  };
}

/**
 * All rows up to a seq, folded.
 *
 * @throws AppError `log_corrupt` where a row's data cannot be read
 */
export function foldUpTo(store: Store, end: number, count: () => void = () => {}): Fold {
  const fold = new Fold();
  for (const _ of readable(foldRows(fold, store.reader, end))) count();
  return fold;
}

/** Rows whose `data` is JSON; one whose is not was altered. */
function* readable(rows: Iterable<EventRow>): Generator<EventRow> {
  try {
    yield* rows;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AppError(
      "log_corrupt",
      "a row was altered and its data is no JSON any more: sprite-env audit verify names it",
      { cause: error },
    );
  }
}

/** Everything a fold knows, as one hash: phases and whole contexts of all streams in the order of their names. */
function bytesOf(fold: Fold): string {
  const hash = createHash("sha256");
  const streams = [...fold.streams.values()].toSorted((a, b) => (a.stream < b.stream ? -1 : 1));
  for (const { stream, snapshot } of streams)
    hash.update(JSON.stringify([stream, snapshot.status, stateOf(snapshot), snapshot.context]));
  return hash.digest("hex");
}

/**
 * What each service is by the log alone, by name, and how many streams have a row that does not fit. Such a service is shown as it was
 * before that row.
 */
export function foldedServices(
  store: Store,
  onProgress: Progress = () => {},
): { services: FoldedService[]; mismatches: number } {
  const end = store.reader.head().seq;
  const count = counted(end - store.reader.firstSeq() + 1, onProgress);
  const fold = foldUpTo(store, end, count);
  const services = [...fold.streams.values()]
    .filter(({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active")
    .map((folded) => foldedService(store, fold, folded))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { services, mismatches: fold.mismatches.size };
}

function foldedService(store: Store, fold: Fold, { stream, snapshot }: Folded): FoldedService {
  const mismatch = fold.mismatches.get(stream);
  const quarantined =
    environmentOf(fold)?.quarantined[stream] ??
    (mismatch && `event ${mismatch.seq}: ${mismatch.reason}`);
  const last = mismatch ? store.reader.bySeq(mismatch.seq) : store.reader.endOf(stream);
  return {
    name: idOf(stream),
    phase: stateOf(snapshot),
    ...shown(snapshot.context as ServiceContext), // a service's stream has its machine
    ...(quarantined !== undefined && { quarantined }),
    seq: last?.seq ?? 0,
    wall: last?.wall ?? 0,
  };
}

function shown(context: ServiceContext) {
  const { desired, version, restartCount, lastExit } = context;
  const ended = lastExit && (lastExit.spawnError ?? exitInWords(lastExit));
  return { desired, version, restartCount, ...(ended !== undefined && { lastExit: ended }) };
}

const environmentOf = (fold: Fold): EnvironmentContext | undefined =>
  fold.streams.get(ENVIRONMENT)?.snapshot.context as EnvironmentContext | undefined;
