import { CUT } from "./anchor.ts";
import type { JsonObject } from "./record.ts";
import type { Db } from "./sqlite.ts";
import { decodeState } from "./state-text.ts";

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

/** What has to be known of definitions to find the values that they refer to. */
export interface References {
  /** References in what holds a definition: the data of a row, or what a machine remembers. */
  in(holder: JsonObject): readonly string[];
  /** Streams that have not ended. */
  living(): ReadonlySet<string>;
}

interface Defining {
  stream: string;
  version: number;
  data: string;
}

const PAGE = 200;
/** How long a value may be on its way before the row that refers to it, in milliseconds. */
const UNDER_WAY_MS = 600_000;

/**
 * Removes the sealed values that no definition refers to any more: of those in the log and in the states at its cut, and of the archived ones of
 * services that live, since those can be gone back to. What an archived definition of a deleted service refers to goes, and its names stay.
 *
 * @param now of the `at` clock
 * @returns steps of some 10 ms; each is done when the next is asked for
 */
export function* sweepValues(db: Db, references: References, now: number): Generator<void> {
  const candidates = db
    .prepare<[number], number>("SELECT 1 FROM env_values WHERE at < ? LIMIT 1")
    .pluck();
  if (candidates.get(now - UNDER_WAY_MS) === undefined) return;
  const live = new Set<string>();
  const keep = (holder: JsonObject): void => references.in(holder).forEach((ref) => live.add(ref));
  const living = references.living();
  yield;
  for (const rows of pages(db, "events")) {
    for (const { data } of rows) keep(JSON.parse(data) as JsonObject);
    yield;
  }
  for (const rows of pages(db, "archived_commands")) {
    for (const { stream, data } of rows)
      if (living.has(stream)) keep(JSON.parse(data) as JsonObject);
    yield;
  }
  if (!keepAnchored(db, keep)) return;
  yield;
  collectValues(db, [...live], now - UNDER_WAY_MS);
}

function* pages(db: Db, table: "events" | "archived_commands"): Generator<Defining[]> {
  const order = table === "events" ? "stream, version" : "stream, seq";
  const [, second] = order.split(", ");
  const select = db.prepare<[string, number], Defining>(
    `SELECT stream, ${second} AS version, data FROM ${table}
     WHERE type IN ('service.created', 'service.changed') AND (stream, ${second}) > (?, ?) ORDER BY ${order} LIMIT ${PAGE}`,
  );
  for (let last = { stream: "", version: 0 }; ;) {
    const rows = select.all(last.stream, last.version);
    yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1) ?? last;
  }
}

/** A state that cannot be read may refer to anything: then nothing is removed. */
function keepAnchored(db: Db, keep: (holder: JsonObject) => void): boolean {
  const states = db
    .prepare<[], string>(`SELECT state FROM anchor_states WHERE anchor = ${CUT}`)
    .pluck();
  try {
    for (const text of states.all()) keep(decodeState(text).context);
    return true;
  } catch {
    return false;
  }
}
