import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type StreamKind } from "../../machines/index.ts";
import { kindOf, type EventRow } from "../journal/record.ts";
import type { EventReader } from "../journal/event-reader.ts";
import { foldRows } from "../runtime/past.ts";
import { Fold, type Mismatch } from "../runtime/replay.ts";
import type { Differing, Replayed } from "../inspector/page/machine/workbench-wire.ts";

/** Rows between two words of progress. */
const STEP = 2_000;
const TOLD_STREAMS = 100;

/**
 * Sends a recorded log through another machine.
 *
 * Each stream is folded by it from its birth. Where a row leads elsewhere, or nowhere, that is counted, and the stream goes on from where the log led, so that one
 * difference does not count as many, and every later one is still found.
 *
 * @param progress called now and then
 */
export function replayThrough(
  reader: EventReader,
  kind: StreamKind,
  machine: AnyStateMachine,
  progress: (done: number, of: number) => void,
): Replayed {
  const began = performance.now();
  const truth = new Fold();
  const edited = new Fold({ [kind]: machine });
  const first = new Map<string, Differing>();
  const streams = new Set<string>();
  const of = reader.head().seq - reader.firstSeq() + 1;
  let [rows, differing] = [0, 0];
  beginAnchored(edited, reader, kind, machine);
  for (const row of foldRows(truth, reader)) {
    rows += 1;
    if (rows % STEP === 0) progress(rows, of);
    if (kindOf(row.stream) !== kind) continue;
    if (row.schema > machines[kind].version) throw newer(row, machines[kind].version);
    if (truth.mismatches.has(row.stream)) continue;
    streams.add(row.stream);
    edited.add(row);
    const mismatch = edited.mismatches.get(row.stream);
    if (!mismatch) continue;
    differing += 1;
    if (!first.has(row.stream)) first.set(row.stream, differingOf(mismatch));
    goOn(edited, truth, row, machine);
  }
  const inOrder = [...first.values()].toSorted((a, b) => a.seq - b.seq);
  return {
    rows,
    streams: streams.size,
    took_ms: Math.round(performance.now() - began),
    differing_rows: differing,
    differing_streams: first.size,
    first: inOrder[0] ?? null,
    by_stream: inOrder.slice(0, TOLD_STREAMS).map(({ stream, seq }) => ({ stream, seq })),
  };
}

const newer = ({ seq, schema }: EventRow, version: number): Error =>
  new Error(
    `the log was written by a newer release: event ${seq} is of machine version ${schema}, and this release knows ${version}. Use that release`,
  );

const differingOf = ({ seq, stream, type, recorded, folded, reason }: Mismatch): Differing => ({
  seq,
  stream,
  type,
  recorded,
  now: folded,
  reason,
});

/** What retention left of rows that are gone is taken over as it stands. */
function beginAnchored(
  fold: Fold,
  reader: EventReader,
  kind: StreamKind,
  machine: AnyStateMachine,
): void {
  if (reader.anchor()) fold.startsAnywhere = true;
  const truth = new Fold();
  for (const _ of foldRows(truth, reader, reader.firstSeq() - 1)); // the states at the cut, and no row
  for (const { stream, snapshot } of truth.streams.values())
    if (kindOf(stream) === kind)
      fold.begin(stream, truth.versions.get(stream) ?? 0, taken(machine, snapshot));
}

/** A stream goes on from where the log led. */
function goOn(edited: Fold, truth: Fold, row: EventRow, machine: AnyStateMachine): void {
  edited.mismatches.delete(row.stream);
  const snapshot = truth.streams.get(row.stream)?.snapshot;
  if (!snapshot || snapshot.status !== "active") return edited.forget(row.stream);
  edited.begin(row.stream, row.version, taken(machine, snapshot));
  return undefined;
}

/** The same state and context in the other machine; undefined where it has no such state. */
function taken(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
): AnyMachineSnapshot | undefined {
  try {
    return machine.resolveState({
      value: snapshot.value,
      context: snapshot.context as object,
    } as never);
  } catch {
    return undefined;
  }
}

/** Kinds of streams whose machine a file may stand for. */
export const KINDS = Object.keys(machines) as readonly StreamKind[];
