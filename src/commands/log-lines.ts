import type { LogLine } from "../logs/ports.ts";
import { readRange, tailPosition } from "../logs/read.ts";
import type { StartedServiceLogs } from "../logs/service-logs.ts";
import { tailAndFollow } from "../logs/tail.ts";

/**
 * The last lines of a service's log, and then, where a signal is given, those that come until it is.
 *
 * @param count undefined: all that is kept
 */
export async function* logLines(
  logs: StartedServiceLogs,
  service: string,
  count: number | undefined,
  until: AbortSignal | undefined,
): AsyncGenerator<LogLine> {
  if (until) {
    yield* tailAndFollow(logs, service, count, until);
    return;
  }
  const end = await logs.position(service);
  const from = count === undefined ? 0 : await tailPosition(logs.logDir, service, count, end);
  for await (const batch of readRange(logs.logDir, service, from, end)) yield* batch;
}
