import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { type EventRow, kindOf } from "../journal/record.ts";
import { UPCASTERS, upcastRow, type Upcaster } from "../journal/upcast.ts";
import { Stepper } from "./journaled.ts";

/** Where a stream stands after its rows so far. */
export interface Folded {
  stream: string;
  snapshot: AnyMachineSnapshot;
}

/** A row that its machine would not have written: what it says, and what the machine makes of it. */
export interface Mismatch {
  seq: number;
  stream: string;
  type: string;
  recorded: { from: string | null; to: string };
  /** What the fold gives; `to` is null where the machine has no transition for the event. */
  folded: { from: string | null; to: string | null };
  reason: string;
}

/** The event a machine is sent for a row. */
export const eventOf = (row: EventRow): EventObject & { at: number; id: string } => ({
  ...row.data,
  type: row.type,
  at: row.at,
  id: row.id,
  ...(row.incarnation !== null && { incarnation: row.incarnation }),
});

/** A state as the log writes it. Our machines are flat, so it is one word. */
export const stateOf = (snapshot: AnyMachineSnapshot): string => String(snapshot.value);

/**
 * Folds rows, in order, into the streams' states. Runs no effect, reads no clock, opens no file.
 *
 * A row that its machine would not have written is a mismatch; its stream is left where it was and reads no further rows.
 */
export class Fold {
  readonly streams = new Map<string, Folded>();
  readonly mismatches = new Map<string, Mismatch>();
  /** Last version of every stream, those with a mismatch included. */
  readonly versions = new Map<string, number>();
  /** Whether a birth may have any version: in a log whose beginning is gone, streams that ended there may have left higher ones. */
  startsAnywhere = false;
  readonly #stepper = new Stepper();
  readonly #machines: { readonly [Kind in StreamKind]?: AnyStateMachine };
  readonly #upcasters: readonly Upcaster[];

  /**
   * @param bound machines with runners, where the states are to live on as actors: a snapshot keeps to the machine it is of
   * @param upcasters how rows of older machine versions are read
   */
  constructor(
    bound: { readonly [Kind in StreamKind]?: AnyStateMachine } = {},
    upcasters: readonly Upcaster[] = UPCASTERS,
  ) {
    this.#machines = bound;
    this.#upcasters = upcasters;
  }

  /** One that goes its own way from here. What both share never changes. */
  copy(): Fold {
    const other = new Fold(this.#machines, this.#upcasters);
    for (const [stream, folded] of this.streams) other.streams.set(stream, folded);
    for (const [stream, mismatch] of this.mismatches) other.mismatches.set(stream, mismatch);
    for (const [stream, version] of this.versions) other.versions.set(stream, version);
    other.startsAnywhere = this.startsAnywhere;
    return other;
  }

  /** Goes on with a stream in its middle. Without a snapshot: with its birth, whose version is one more. */
  begin(stream: string, version: number, snapshot?: AnyMachineSnapshot): void {
    this.versions.set(stream, version);
    if (snapshot) this.streams.set(stream, { stream, snapshot });
  }

  /** Gives up on a stream whose beginning cannot be read. */
  fail(mismatch: Mismatch): void {
    this.mismatches.set(mismatch.stream, mismatch);
  }

  add(stored: EventRow): void {
    const row = upcastRow(stored, this.#upcasters);
    const kind = kindOf(row.stream);
    const folded = this.streams.get(row.stream);
    const last = this.versions.get(row.stream);
    const expected = last === undefined && this.startsAnywhere ? row.version : (last ?? 0) + 1;
    this.versions.set(row.stream, row.version);
    if (this.mismatches.has(row.stream)) return;
    if (row.type === "stream.retired") this.forget(row.data["stream"] as string);
    const mismatch = isStreamKind(kind)
      ? this.#take(
          row,
          expected,
          { ...machines[kind], ...(this.#machines[kind] && { machine: this.#machines[kind] }) },
          folded,
        )
      : this.#differs(row, folded, null, `no machine is called "${kind}"`);
    if (mismatch) this.mismatches.set(row.stream, mismatch);
  }

  /** Forgets what a stream's rows said so far: a second birth may follow. */
  forget(stream: string): void {
    this.mismatches.delete(stream);
    const folded = this.streams.get(stream);
    if (folded)
      this.streams.set(stream, {
        ...folded,
        snapshot: { ...folded.snapshot, status: "done" } as never,
      });
  }

  #take(
    row: EventRow,
    expected: number,
    { machine, version, birth }: { machine: AnyStateMachine; version: number; birth: string },
    folded: Folded | undefined,
  ): Mismatch | undefined {
    const fresh = folded === undefined || folded.snapshot.status !== "active";
    const from = fresh ? null : stateOf(folded.snapshot);
    if (row.schema > version)
      return this.#differs(row, folded, null, `machine version ${row.schema} is newer than ours`);
    if (row.version !== expected) return this.#differs(row, folded, null, "a version is missing");
    if (fresh !== (row.type === birth))
      return this.#differs(row, folded, null, fresh ? "not a birth" : "a second birth");
    const event = eventOf(row);
    let after: AnyMachineSnapshot | undefined;
    try {
      after = fresh
        ? this.#stepper.birth(machine, event).snapshot
        : this.#stepper.step(machine, folded.snapshot, event)?.snapshot;
    } catch (error) {
      return this.#differs(row, folded, null, `the machine throws: ${String(error)}`);
    }
    if (!after) return this.#differs(row, folded, null, `no edge for it leaves "${from}"`);
    const to = stateOf(after);
    if (row.fromState !== from || row.toState !== to)
      return this.#differs(row, folded, to, "other states are recorded");
    this.streams.set(row.stream, { stream: row.stream, snapshot: after });
    return undefined;
  }

  #differs(row: EventRow, folded: Folded | undefined, to: string | null, reason: string): Mismatch {
    const from = folded && folded.snapshot.status === "active" ? stateOf(folded.snapshot) : null;
    return {
      seq: row.seq,
      stream: row.stream,
      type: row.type,
      recorded: { from: row.fromState, to: row.toState },
      folded: { from, to },
      reason,
    };
  }
}
