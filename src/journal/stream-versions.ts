import type { Db } from "./sqlite.ts";

/** Streams whose last version is kept in memory; sessions and tasks come and go without end. */
const KEPT = 10_000;

/** Last versions of streams as a batch sees them: the log's, then its own. */
export interface BatchVersions {
  /** 0 for a stream without rows. */
  last(stream: string): number;
  set(stream: string, version: number): void;
  readonly changed: ReadonlyMap<string, number>;
}

/** Last version of each stream: asked of the log once, then followed. */
export interface StreamVersions {
  /** What a batch changes stays apart until it is kept. */
  beginBatch(): BatchVersions;
  /** Call it after the commit. */
  keep(batch: BatchVersions): void;
  /** Whether a stream of which nothing is left may begin at any version: once retention has cut, one that ended may have left a higher one. */
  startsAnywhere(): boolean;
  /** Call it when retention has cut, and when it has removed rows: streams that ended are not known any more. */
  forget(): void;
}

export function streamVersions(db: Db): StreamVersions {
  const known = new Map<string, number>();
  const read = lastVersionReader(db);
  const cut = db.prepare<[], number>("SELECT 1 FROM anchors LIMIT 1").pluck();
  const last = (stream: string): number => {
    const version = known.get(stream) ?? read(stream);
    if (known.size >= KEPT) known.clear();
    known.set(stream, version);
    return version;
  };
  return {
    beginBatch() {
      const changed = new Map<string, number>();
      return {
        changed,
        last: (stream) => changed.get(stream) ?? last(stream),
        set: (stream, version) => void changed.set(stream, version),
      };
    },
    keep({ changed }) {
      for (const [stream, version] of changed) known.set(stream, version);
    },
    startsAnywhere: () => cut.get() !== undefined,
    forget: () => known.clear(),
  };
}

/** From the rows, those under way to be removed too, or from the anchor where retention took them; 0 where nothing is known. */
export function lastVersionReader(db: Db): (stream: string) => number {
  const rows = db
    .prepare<[string], number | null>("SELECT max(version) FROM events WHERE stream = ?")
    .pluck();
  const anchor = db
    .prepare<[string], number>(
      "SELECT version FROM anchor_states WHERE stream = ? AND anchor = (SELECT max(seq) FROM anchors)",
    )
    .pluck();
  return (stream) => rows.get(stream) ?? anchor.get(stream) ?? 0;
}
