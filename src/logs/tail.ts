import { channel } from "../base/channel.ts";
import { skippedLine } from "./line.ts";
import type { LogLine } from "./ports.ts";
import { readRange, tailPosition } from "./read.ts";
import type { StartedServiceLogs } from "./service-logs.ts";

/** Live lines that may wait for a slow reader. */
const WAITING_LINES = 10_000;

/**
 * The last lines of a service's log, then its lines as they come, none missing and none twice between the two. Ends when the signal
 * is given: a reader that leaves while no line comes is not noticed otherwise.
 *
 * @param count how many of the lines that are there; undefined: all that is kept
 */
export async function* tailAndFollow(
  logs: StartedServiceLogs,
  service: string,
  count: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const live = channel<LogLine>(WAITING_LINES, () => {});
  signal.addEventListener("abort", () => live.close());
  let begun = false;
  const stop = logs.follow(service, (_, line) => {
    if (begun) live.push(line);
  });
  try {
    const end = await logs.position(service);
    begun = true; // runs before the next message from the thread: what came until now is in the file
    const from = count === undefined ? 0 : await tailPosition(logs.logDir, service, count, end);
    for await (const batch of readRange(logs.logDir, service, from, end)) yield* batch;
    let told = 0;
    for await (const line of live) {
      if (live.dropped > told) yield skippedLine(live.dropped - told);
      told = live.dropped;
      yield line;
    }
  } finally {
    stop();
  }
}
