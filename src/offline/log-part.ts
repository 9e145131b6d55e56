import { existsSync } from "node:fs";
import { MAX_LINE_BYTES } from "../logs/line.ts";
import type { LogLine } from "../logs/ports.ts";
import { endPosition, linesBetween, tailPosition } from "../logs/read.ts";
import { currentFile } from "../logs/segments.ts";
import type { Store } from "./store.ts";
import { AppError } from "../base/errors.ts";

export interface LogPartRequest {
  service: string;
  /** The event around which; absent: the end of the log. */
  around?: number | undefined;
  /** Lines at most, on either side. */
  before: number;
  after: number;
}

/** A line and the life it is of; `incarnation` null: of no life that the log still tells of. */
export interface PlacedLine {
  wall: number;
  stream: LogLine["stream"];
  /** As it was written: never to be taken for markup, or let onto a terminal as it stands. */
  text: string;
  incarnation: string | null;
}

export interface LogPart {
  file: string;
  lines: PlacedLine[];
  more_before: boolean;
  more_after: boolean;
  /** Why there are none, where that is not because nothing was written. */
  note?: string;
}

/** Lines behind the moment are read so far, in bytes. */
const AHEAD_BYTES = 1024 * 1024;
/** Lives that are told apart, the newest before the moment. */
const LIVES = 200;

/**
 * What a service said around an event, with the life each line is of.
 *
 * @throws AppError `not_found` where there is no such event
 */
export async function logPart(
  { reader, db }: Pick<Store, "reader" | "db">,
  logDir: string,
  { service, around, before, after }: LogPartRequest,
): Promise<LogPart> {
  const file = currentFile(logDir, service);
  const end = endPosition(logDir, service);
  const row = around === undefined ? undefined : reader.bySeq(around);
  if (around !== undefined && !row)
    throw new AppError(
      "not_found",
      `event ${around} is not in the log, or retention has removed it`,
    );
  if (end === 0)
    return { file, lines: [], more_before: false, more_after: false, ...noteOn(logDir) };
  const place = row ? await positionAt(logDir, service, row.wall, end) : end;
  const from = await tailPosition(logDir, service, before, place);
  const to = Math.min(end, place + AHEAD_BYTES);
  const lives = livesUpTo(db, `service/${service}`);
  const earlier = await placedLines(logDir, service, from, place, lives);
  const later = await placedLines(logDir, service, place, to, lives);
  return {
    file,
    lines: [...earlier, ...later.slice(0, after)],
    more_before: earlier.length >= before,
    more_after: later.length > after || to < end,
  };
}

const noteOn = (logDir: string): { note?: string } =>
  existsSync(logDir) ? {} : { note: `there is no ${logDir}, where its output was written` };

interface LifeBegin {
  incarnation: string;
  from: number;
}

/** Where in the log file the newest lives begin, in order. */
function livesUpTo(db: Store["db"], stream: string): LifeBegin[] {
  return db
    .prepare<[string, number], LifeBegin>(
      `SELECT incarnation, json_extract(data, '$.logFrom') AS 'from' FROM events
       WHERE stream = ? AND type = 'process.spawned' ORDER BY version DESC LIMIT ?`,
    )
    .all(stream, LIVES)
    .filter(({ from }) => typeof from === "number")
    .toReversed();
}

async function placedLines(
  logDir: string,
  service: string,
  from: number,
  to: number,
  lives: readonly LifeBegin[],
): Promise<PlacedLine[]> {
  const borders = lives.filter((life) => life.from > from && life.from < to);
  const first = lives.findLast((life) => life.from <= from);
  const pieces = [{ from, incarnation: first?.incarnation ?? null }, ...borders];
  const placed: PlacedLine[] = [];
  for (const [index, piece] of pieces.entries()) {
    const lines = await linesBetween(logDir, service, piece.from, pieces[index + 1]?.from ?? to);
    for (const { time, stream, text } of lines)
      placed.push({ wall: time, stream, text, incarnation: piece.incarnation });
  }
  return placed;
}

/** The position of the first line that is later than a time: the times of lines rise, but for steps of the clock. */
async function positionAt(
  logDir: string,
  service: string,
  wall: number,
  end: number,
): Promise<number> {
  const piece = 4 * MAX_LINE_BYTES;
  let [low, high] = [0, end];
  while (high - low > piece) {
    const middle = Math.floor((low + high) / 2);
    const [line] = await linesBetween(logDir, service, middle, Math.min(high, middle + piece));
    if (line && line.time <= wall) low = middle;
    else high = middle;
  }
  const lines = await linesBetween(logDir, service, low, Math.min(end, low + piece));
  const earlier = lines.filter(({ time }) => time <= wall).length;
  if (earlier === lines.length) return Math.min(end, low + piece);
  return positionOfLine(logDir, service, low, end, earlier);
}

/** Where the line with that place begins, counted from a position. */
async function positionOfLine(
  logDir: string,
  service: string,
  from: number,
  end: number,
  place: number,
): Promise<number> {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const lines = await linesBetween(logDir, service, from, middle);
    if (lines.length <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
