import type { LogLine } from "./ports.ts";
import { readRange, tailPosition } from "./read.ts";
import type { StartedServiceLogs } from "./service-logs.ts";

/**
 * The last lines of a service's log, then its lines as they come, each once and none left out.
 *
 * Lines are read from the file, and following only tells when to look again: so a slow reader costs no memory and
 * misses nothing, until rotation removes what it has not read.
 *
 * @param count  how many of the lines that are there; undefined: all that is kept
 * @param signal ends it; a reader that leaves while no line comes is not noticed otherwise
 */
export async function* tailAndFollow(
  logs: StartedServiceLogs,
  service: string,
  count: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const bell = createBell();
  const stop = logs.follow(service, bell.ring);
  signal.addEventListener("abort", bell.ring);
  try {
    let end = await logs.position(service);
    let at = count === undefined ? 0 : await tailPosition(logs.logDir, service, count, end);
    while (!signal.aborted) {
      for await (const batch of readRange(logs.logDir, service, at, end)) yield* batch;
      at = end;
      await bell.rung();
      end = await logs.position(service);
    }
  } finally {
    stop();
  }
}

/** `rung` waits until `ring` was called since it last returned. */
function createBell(): { ring: () => void; rung: () => Promise<void> } {
  let next = Promise.withResolvers<void>();
  return {
    ring: () => next.resolve(),
    rung: async () => {
      await next.promise;
      next = Promise.withResolvers();
    },
  };
}
