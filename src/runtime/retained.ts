import { machines, type StreamKind } from "../../machines/index.ts";
import type { AnchorState } from "../journal/cut.ts";
import { eventReader } from "../journal/read.ts";
import { type JsonObject, kindOf } from "../journal/record.ts";
import type { RetentionPorts } from "../journal/retention.ts";
import type { Db } from "../journal/sqlite.ts";
import { foldStreams, livingStreams } from "./past.ts";
import { Fold, stateOf } from "./replay.ts";

/**
 * What retention has to know of streams, as the machines tell it.
 *
 * A stream with a row that does not fit is kept as it was before that row; that it is quarantined is in the environment's own state.
 */
export const retentionPorts: RetentionPorts = {
  statesAt: (db, seq) => livingAt(db, seq),
  references: (db) => ({ in: referencesIn, living: () => livingStreams(eventReader(db)) }),
};

function* livingAt(db: Db, seq: number): Generator<AnchorState | undefined> {
  const fold = new Fold();
  for (const stream of foldStreams(fold, eventReader(db), seq)) yield stateIn(fold, stream);
}

function stateIn(fold: Fold, stream: string): AnchorState | undefined {
  const folded = fold.streams.get(stream);
  if (folded?.snapshot.status !== "active") return undefined;
  return {
    stream,
    version: fold.versions.get(stream) ?? 0,
    schema: machines[kindOf(stream) as StreamKind].version, // a machine folded it
    value: stateOf(folded.snapshot),
    context: folded.snapshot.context as JsonObject,
  };
}

/** A row that defines a service, and what its machine remembers, hold the definition by the same name. */
function referencesIn(holder: JsonObject): string[] {
  const { env } = (holder["definition"] ?? {}) as { env?: JsonObject };
  return Object.values(env ?? {}).filter((value) => typeof value === "string");
}
