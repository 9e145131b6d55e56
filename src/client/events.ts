import { AppError } from "../base/errors.ts";
import { mayComeBack, rest } from "./again.ts";
import { LostReply } from "./lost-reply.ts";
import type { EventRecord, LogHead, StreamLine } from "./types.ts";

export interface EventsOptions {
  /** Begin with this sequence number. Default: 1. */
  from?: number | undefined;
  /** So many at most. */
  limit?: number | undefined;
  /** Events of this service alone. */
  service?: string | undefined;
  /** Events of streams of this kind alone. */
  kind?: "service" | "environment" | undefined;
  /** Events of these types alone: `process.exited`, or `process.*`. */
  types?: readonly string[] | undefined;
  /** Go on with those that come, over any loss of the connection, until the caller leaves or the signal is given. */
  follow?: boolean | undefined;
  /** With `follow`: false ends with an error where the connection is lost. Default: true. */
  reconnect?: boolean | undefined;
  /** Told when the connection is lost, and of each try that fails. */
  onLost?: ((error: AppError) => void) | undefined;
  /** Told when it stands again. Nothing was missed. */
  onFound?: (() => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What following needs of a daemon. */
export interface EventSource {
  /** Rows over one connection; resolves when the daemon has taken the request. */
  rows(options: EventsOptions): Promise<AsyncIterable<EventRecord>>;
  head(): Promise<LogHead>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * The rows of one connection. A stream that breaks off inside the daemon ends with a line that is no row.
 *
 * @throws LostReply what that line says
 */
export async function* rowsOf(
  lines: AsyncIterable<EventRecord | StreamLine>,
): AsyncGenerator<EventRecord, void> {
  for await (const line of lines) {
    if ("seq" in line) yield line;
    else
      throw new LostReply(`the daemon broke off the events: ${line.data ?? "it did not say why"}`);
  }
}

/**
 * Rows as they come, over any number of connections, without loss or repeat. A daemon that was never reached is not waited for.
 *
 * @throws AppError `events_gone` where retention took rows that were not seen yet, or another log has taken the place of ours; what the
 *   daemon says to a request
 */
export async function* followed(
  source: EventSource,
  options: EventsOptions,
): AsyncGenerator<EventRecord, void> {
  let last: EventRecord | undefined;
  let left = options.limit ?? Infinity;
  let pause = FIRST_PAUSE_MS;
  for (let reached = false; left > 0;) {
    try {
      const rows = await (last ? after(source, options, last) : source.rows(options));
      if (reached) options.onFound?.();
      reached = true;
      for await (const row of rows) {
        pause = FIRST_PAUSE_MS;
        last = row;
        yield row;
        if (--left <= 0) return;
      }
      throw new AppError(
        "daemon_unreachable",
        "the daemon ended the stream of events: it was stopped",
      );
    } catch (error) {
      if (!reached || options.reconnect === false || !mayComeBack(error)) throw error;
      options.onLost?.(error as AppError); // mayComeBack takes no others
    }
    await rest(pause, options.signal);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

/**
 * Rows after one that was seen. It is asked for again and compared, since a state directory may have been put in the place of another;
 * where retention has taken that very row, nothing is lost yet.
 */
async function after(
  source: EventSource,
  { limit: _, ...options }: EventsOptions,
  last: EventRecord,
): Promise<AsyncIterable<EventRecord>> {
  if ((await source.head()).seq < last.seq) throw another(last);
  try {
    return withoutSeen(await source.rows({ ...options, from: last.seq }), last);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "events_gone") throw error;
    return source.rows({ ...options, from: last.seq + 1 });
  }
}

async function* withoutSeen(
  rows: AsyncIterable<EventRecord>,
  last: EventRecord,
): AsyncGenerator<EventRecord, void> {
  let seen = false;
  for await (const row of rows) {
    if (seen) yield row;
    else if (row.seq !== last.seq || row.hash !== last.hash) throw another(last);
    seen = true;
  }
}

const another = ({ seq }: EventRecord): AppError =>
  new AppError(
    "events_gone",
    `the daemon that answers now has another event log: event ${seq} is not the one that was seen. Begin anew with its first`,
  );
