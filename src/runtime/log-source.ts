import type { EnvironmentContext } from "../../machines/environment.ts";
import type { AppendedRow } from "../journal/append.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { JsonObject } from "../journal/record.ts";
import { UPCASTERS, upcastRow } from "../journal/upcast.ts";
import { ENVIRONMENT } from "./group.ts";
import { statesAt } from "./past.ts";
import { type Fold, stateOf } from "./replay.ts";

/** What a stream that lives is, and which row was its last. */
interface StreamNow {
  stream: string;
  phase: string;
  view: JsonObject;
  seq: number;
  at: number;
  quarantined?: string;
}

/** States at a row, and the rows after it with what each led to. */
interface Source {
  states: Iterable<StreamNow>;
  seq: number;
  next(limit: number): AppendedRow[];
}

/**
 * The log as read models are made of it (see `projections/rebuild.ts`): `present` begins with what everything is after the last row, which costs the
 * number of streams; `beginning` with the first row that retention has left, and no states.
 */
export const logSource =
  (reader: EventReader) =>
  (from: "present" | "beginning"): Source => {
    const seq = from === "present" ? reader.head().seq : (reader.anchor()?.seq ?? 0);
    const fold = statesAt(reader, seq);
    fold.startsAnywhere = true; // streams that had ended by then are not in it
    let last = seq;
    return {
      states: from === "present" ? present(reader, fold) : [],
      seq,
      next: (limit) => {
        const rows = reader.fromSeq(last + 1, limit).map((row) => folded(fold, row));
        last = rows.at(-1)?.row.seq ?? last;
        return rows;
      },
    };
  };

function folded(fold: Fold, stored: AppendedRow["row"]): AppendedRow {
  fold.add(stored);
  const context = fold.streams.get(stored.stream)?.snapshot.context as JsonObject | undefined;
  return { row: upcastRow(stored, UPCASTERS), view: context ?? {} };
}

function present(reader: EventReader, fold: Fold): StreamNow[] {
  const ends = new Map(reader.spans().map((span) => [span.stream, span]));
  const environment = fold.streams.get(ENVIRONMENT)?.snapshot.context;
  const { quarantined = {} } = (environment ?? {}) as Partial<EnvironmentContext>;
  return [...fold.streams.values()]
    .filter(({ snapshot }) => snapshot.status === "active")
    .map(({ stream, snapshot }) => ({
      stream,
      phase: stateOf(snapshot),
      view: snapshot.context as JsonObject,
      seq: ends.get(stream)?.seq ?? 0,
      at: ends.get(stream)?.at ?? 0,
      ...(quarantined[stream] !== undefined && { quarantined: quarantined[stream] }),
    }));
}
