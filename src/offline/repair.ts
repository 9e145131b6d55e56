import { AppError } from "../base/errors.ts";
import { openForWriting } from "../journal/database.ts";
import { acquireLock } from "../journal/lock.ts";
import { eventReader } from "../journal/read.ts";
import { refuseNewer } from "../journal/shapes.ts";
import { readStat } from "../posix/proc.ts";
import { projections } from "../projections/index.ts";
import { Rebuild } from "../projections/rebuild.ts";
import { services } from "../projections/services.ts";
import { knowsShape } from "../runtime/known-shapes.ts";
import { logSource } from "../runtime/log-source.ts";
import { type ProjectionCheck, projectionChecker } from "./projection-check.ts";
import { foldUpTo } from "./replay.ts";
import type { Store } from "./store.ts";

/** What was found of the read model of services, and what was done about it. */
export interface Repair {
  found: ProjectionCheck;
  /** Whether it was made anew. */
  repaired: boolean;
}

interface RepairPorts {
  /** Has the daemon make a read model anew; absent where no daemon has this store. */
  rebuild?: (projection: string) => Promise<void>;
  /** Of this program, for the lock's file where there is no daemon. */
  release: string;
  onProgress?: (rows: number, of: number) => void;
}

/**
 * Compares the read model of services with a fold of the whole log, and has it made anew where it is wrong, stale or of another release: by the
 * daemon, while it goes on, or, where none has the store, here and under the state lock.
 *
 * @throws AppError `log_corrupt`; `storage_failed` where it is wrong still; where there is no daemon also as `acquireLock` and `openForWriting`, and `storage_newer`
 */
export async function repairProjections(
  store: Store,
  { rebuild, release, onProgress = () => {} }: RepairPorts,
): Promise<Repair> {
  const { reader } = store;
  const { seq } = reader.head();
  const of = seq - reader.firstSeq() + 1;
  let rows = 0;
  const fold = foldUpTo(store, seq, () => onProgress((rows += 1), of));
  const check = projectionChecker(store, fold, seq);
  const found = check();
  if (found.outcome === "equal") return { found, repaired: false };
  await (rebuild ? rebuild(services.name) : rebuildHere(store, release));
  const after = check();
  if (after.outcome === "equal") return { found, repaired: true };
  const what =
    after.outcome === "differs" ? `it is wrong about ${after.names.join(", ")}` : after.reason;
  throw new AppError(
    "storage_failed",
    `the read model of services was made anew, and still ${what}: sprite-env replay --check tells more`,
  );
}

/** Nobody else writes while we have the lock. */
async function rebuildHere({ stateDirectory }: Store, release: string): Promise<void> {
  const { pid } = process;
  const startTime = readStat(pid)?.startTime ?? "";
  const owner = { pid, startTime, socket: "", version: release, since: Date.now() };
  const lock = await acquireLock(stateDirectory, owner);
  try {
    const db = openForWriting(stateDirectory);
    try {
      refuseNewer(db, knowsShape);
      for (const projection of projections) {
        const rebuilding = new Rebuild(db, projection, logSource(eventReader(db)));
        while (!rebuilding.step());
      }
    } finally {
      db.close();
    }
  } finally {
    lock.release();
  }
}
