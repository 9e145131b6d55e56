import type { Db } from "./sqlite.ts";

/**
 * Removes the sealed values that nothing refers to.
 *
 * @param live every reference in a definition that may still be used
 * @param madeBefore of the `at` clock: newer values stay, since the events that refer to them may be on their way
 * @returns how many were removed
 */
export function collectValues(db: Db, live: readonly string[], madeBefore: number): number {
  return db
    .prepare("DELETE FROM env_values WHERE at < ? AND ref NOT IN (SELECT value FROM json_each(?))")
    .run(madeBefore, JSON.stringify(live)).changes;
}
