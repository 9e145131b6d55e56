import { isDeepStrictEqual } from "node:util";
import type { EnvironmentContext } from "../../machines/environment.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Json } from "../journal/record.ts";
import { headOf, type ProjectionHead } from "../projections/heads.ts";
import { allServices, services, type ServiceRow } from "../projections/services.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { type Fold, stateOf } from "../runtime/replay.ts";
import type { Store } from "./store.ts";

/** Whether the read model of services is what the log gives. */
export type ProjectionCheck =
  | { outcome: "equal" }
  /** `names`: of the services in which the two differ. */
  | { outcome: "differs"; names: readonly string[] }
  /** It does not follow the log at present, and says so itself. */
  | { outcome: "unknown"; reason: string };

/**
 * Compares the `services` table with a fold, as of one moment: what was committed since the fold is folded first, in the same transaction.
 *
 * @param fold of all rows up to `seq`; it is folded on
 * @returns the comparison; each call makes it anew
 */
export function projectionChecker(store: Store, fold: Fold, seq: number): () => ProjectionCheck {
  const { db, reader } = store;
  let next = seq + 1;
  return db.transaction((): ProjectionCheck => {
    for (const row of reader.all(next)) {
      fold.add(row);
      next = row.seq + 1;
    }
    const reason = whyUnknown(headOf(db, services.name), reader.head().seq);
    if (reason !== undefined) return { outcome: "unknown", reason };
    const names = different(allServices(db), fold, lastSeqOf(store));
    return names.length === 0 ? { outcome: "equal" } : { outcome: "differs", names };
  });
}

const lastSeqOf =
  ({ reader }: Store) =>
  (stream: string): number | undefined =>
    reader.endOf(stream)?.seq;

function whyUnknown(head: ProjectionHead | undefined, seq: number): string | undefined {
  if (head === undefined) return "no daemon of this release has made it yet";
  if (head.stale !== null) return `it stopped at event ${head.seq}: ${head.stale}`;
  if (head.version !== services.version) return "it was made by another release";
  // One that is ahead of the log is compared: rows were cut off, and the services they were of differ.
  return head.seq >= seq ? undefined : `it ends at event ${head.seq}, and the log at ${seq}`;
}

/** What a stream whose rows do not fit leaves in the table is not compared: it has its mismatch already. */
function different(
  table: readonly ServiceRow[],
  fold: Fold,
  lastSeq: (stream: string) => number | undefined,
): string[] {
  const rows = new Map(table.map((row) => [row.name, row]));
  const streams = [...fold.streams.values()].filter(
    ({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active",
  );
  const quarantined = quarantinedIn(fold);
  const wrong = streams
    .filter(({ stream }) => !fold.mismatches.has(stream) && quarantined[stream] === undefined)
    .filter(({ stream, snapshot }) => {
      const row = rows.get(idOf(stream));
      return (
        row?.phase !== stateOf(snapshot) ||
        row.seq !== lastSeq(stream) ||
        !isDeepStrictEqual(row.context as unknown, asStored(snapshot.context as object))
      );
    })
    .map(({ stream }) => idOf(stream));
  const known = new Set(
    [...streams.map(({ stream }) => stream), ...fold.mismatches.keys()].map(idOf),
  );
  const extra = table.map(({ name }) => name).filter((name) => !known.has(name));
  return [...wrong, ...extra].toSorted();
}

/** A context as JSON keeps it: without what is undefined. */
const asStored = (context: object): Json => JSON.parse(JSON.stringify(context)) as Json;

const quarantinedIn = (fold: Fold): Readonly<Record<string, string>> =>
  (fold.streams.get(ENVIRONMENT)?.snapshot.context as EnvironmentContext | undefined)
    ?.quarantined ?? {};
