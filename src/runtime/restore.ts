import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { messageOf } from "../base/errors.ts";
import { type EventRow, kindOf } from "../journal/record.ts";
import type { Snapshot } from "../journal/snapshots.ts";
import { decodeState, stateDigest, type StreamState } from "../journal/state-text.ts";
import { upcastRow, upcastState, type Upcaster } from "../journal/upcast.ts";

/** A stored state that is as its machine left it, or why it must not be believed. */
type Restored = { state: AnyMachineSnapshot } | { unfit: string };

interface RestoreOptions {
  /** The machines that the states are to live on as. */
  bound: { readonly [Kind in StreamKind]?: AnyStateMachine };
  upcasters: readonly Upcaster[];
}

/**
 * Makes a stored state a machine's again, if it is proven to be one: of a row of this log, unchanged since, of a machine that we know, and in the
 * state which that row recorded.
 *
 * @param row the one that the snapshot names; an anchor's state is of a row that is gone
 */
export function restored(
  snapshot: Snapshot,
  row: EventRow | undefined,
  { bound, upcasters }: RestoreOptions,
): Restored {
  const { stream, version, schema } = snapshot;
  const kind = kindOf(stream);
  if (!isStreamKind(kind)) return { unfit: `no machine is called "${kind}"` };
  if (schema > machines[kind].version)
    return { unfit: `it is of machine version ${schema}, newer than ours` };
  if (stateDigest(snapshot.hash, snapshot) !== snapshot.digest)
    return { unfit: "it was altered or is torn" };
  if (
    !snapshot.anchored &&
    (row?.hash !== snapshot.hash || row.stream !== stream || row.version !== version)
  )
    return { unfit: "it is not of this log" };
  try {
    const state = upcastState(kind, schema, decodeState(snapshot.state), upcasters);
    if (row && !snapshot.anchored && upcastRow(row, upcasters).toState !== state.value)
      return { unfit: `its row led to "${row.toState}", and it is in "${state.value}"` };
    return { state: machineState(bound[kind] ?? machines[kind].machine, state) };
  } catch (error) {
    return { unfit: `its machine cannot take it: ${messageOf(error)}` };
  }
}

/** @throws Error where the machine has no such state */
const machineState = (
  machine: AnyStateMachine,
  { value, context }: StreamState,
): AnyMachineSnapshot => machine.resolveState({ value, context });

/** Whether a machine has no way out of a state. */
export function isFinal(kind: string, state: string): boolean {
  if (!isStreamKind(kind)) return false;
  const machine: AnyStateMachine = machines[kind].machine;
  return machine.states[state]?.type === "final";
}
