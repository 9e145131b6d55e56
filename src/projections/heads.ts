import type { Db } from "../journal/sqlite.ts";
import { prepared, type Projection } from "./projection.ts";

/** How far a projection has read. */
export interface ProjectionHead {
  name: string;
  /** Of its schema and handlers, as its table was made. */
  version: number;
  /** Of the last row that is in it. */
  seq: number;
  /** Why it is not to be believed. */
  stale: string | null;
}

/** What is noted of a projection; undefined where its table was never made. */
export const headOf = (db: Db, name: string): ProjectionHead | undefined =>
  prepared(db, "SELECT name, version, seq, stale FROM projection_heads WHERE name = ?").get(
    name,
  ) as ProjectionHead | undefined; // its columns

/** The log's last row, by its rows or, where retention took them all, by its anchor; 0 in an empty log. */
export const lastSeq = (db: Db): number =>
  db
    .prepare<[], number>(
      `SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(seq) FROM anchors), 0))`,
    )
    .pluck()
    .get() ?? 0;

/** Why a projection's table must be made anew, in words; undefined where it follows the log. */
export function whyStale(db: Db, { name, version }: Projection, end: number): string | undefined {
  const head = headOf(db, name);
  if (!head) return "it was never made";
  if (head.version !== version) return `its version ${head.version} became ${version}`;
  if (head.stale !== null) return head.stale;
  return head.seq === end ? undefined : `it ended at event ${head.seq}, and the log at ${end}`;
}

/**
 * Whether what a projection's table says can be believed: it is of this release, and follows the log.
 *
 * @param upTo the last row that is known to be stored: what holds more is not to be believed yet
 */
export const follows = (
  db: Db,
  { name, version }: Pick<Projection, "name" | "version">,
  upTo = Infinity,
): boolean => {
  const head = headOf(db, name);
  return head?.version === version && head.stale === null && head.seq <= upTo;
};

/** Notes that a projection is not to be believed, so that nobody reads it and nothing is written to it. */
export const markStale = (db: Db, name: string, reason: string): void =>
  void db
    .prepare(
      `INSERT INTO projection_heads (name, version, seq, stale) VALUES (?, 0, 0, ?)
       ON CONFLICT (name) DO UPDATE SET stale = excluded.stale`,
    )
    .run(name, reason);

/** Notes that a projection's table holds what the log gives up to a row. */
export const markMade = (db: Db, { name, version }: Projection, seq: number): void =>
  void db
    .prepare(
      `INSERT INTO projection_heads (name, version, seq, stale) VALUES (?, ?, ?, NULL)
       ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = excluded.seq, stale = NULL`,
    )
    .run(name, version, seq);
