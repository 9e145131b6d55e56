import { type EventRow, kindOf } from "./record.ts";
import type { StreamState } from "./state-text.ts";

/** What an upcaster may change of a row: what its machine sees, and the states by their names. */
export type RowShape = Pick<EventRow, "type" | "data" | "fromState" | "toState">;

/** One change of a machine, from a version to the next: how what was written before it is read now. */
export interface Upcaster {
  /** Kind of the streams whose machine changed: `service`. */
  kind: string;
  /** The version it reads; it gives the next one. */
  from: number;
  row(row: RowShape): RowShape;
  state(state: StreamState): StreamState;
}

/**
 * Every change of a machine so far; none yet. Entries are for ever: a log may be as old as the first release.
 *
 * They work on what is read for a fold alone. Rows keep the bytes that their hashes cover, and `events` shows them as they were written.
 */
export const UPCASTERS: readonly Upcaster[] = [];

/** A row as today's machine takes it. A step that no upcaster is listed for changed nothing that is stored. */
export function upcastRow(row: EventRow, upcasters: readonly Upcaster[]): EventRow {
  if (upcasters.length === 0) return row;
  return stepsFrom(kindOf(row.stream), row.schema, upcasters).reduce(
    (older, step) => ({ ...older, ...step.row(older), schema: step.from + 1 }),
    row,
  );
}

/** A state as today's machine knows it. */
export function upcastState(
  kind: string,
  schema: number,
  state: StreamState,
  upcasters: readonly Upcaster[],
): StreamState {
  return stepsFrom(kind, schema, upcasters).reduce((older, step) => step.state(older), state);
}

const stepsFrom = (
  kind: string,
  schema: number,
  upcasters: readonly Upcaster[],
): readonly Upcaster[] =>
  upcasters
    .filter((one) => one.kind === kind && one.from >= schema)
    .toSorted((one, other) => one.from - other.from);
