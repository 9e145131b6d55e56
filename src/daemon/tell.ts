import type { Logger } from "../base/logger.ts";
import type { ProjectionNews } from "../journal/protocol.ts";
import { type EventRow, idOf, kindOf } from "../journal/record.ts";
import type { BootReport } from "../runtime/boot.ts";
import type { RuntimeView } from "../runtime/group.ts";

export function tellProjection(news: ProjectionNews, logger: Logger): void {
  const { projection } = news;
  if (news.outcome === "made")
    return logger.info({ projection, ms: Math.round(news.tookMs) }, "the read model is made anew");
  const goesOn = "answers come from the state machines until it is made anew";
  if (news.outcome === "stale")
    return logger.warn({ projection }, `the read model is stale: ${news.reason}; ${goesOn}`);
  return logger.error({ projection }, `the read model stays stale: ${news.reason}; ${goesOn}`);
}

export function tellBoot({ afterKill, quarantined, unproven }: BootReport, logger: Logger): void {
  if (afterKill)
    logger.warn("the daemon before this one was killed: what it left is ended and started again");
  for (const { stream, seq, reason } of quarantined) {
    logger.error(
      { stream, seq },
      `quarantined: ${reason}. "replay --check" tells more; only delete is accepted`,
    );
  }
  for (const { service, pid } of unproven) {
    logger.error(
      { service },
      `process ${pid} may be of an earlier life of this service and nothing proves it: end it by hand, then the service starts`,
    );
  }
}

/** Everything waits for the components, so what becomes of them is said, not only kept. */
export function tellComponents(
  rows: readonly EventRow[],
  view: Pick<RuntimeView, "components">,
  logger: Logger,
): void {
  for (const { stream, fromState, toState, at } of rows) {
    if (kindOf(stream) !== "component" || fromState === toState) continue;
    const component = idOf(stream);
    if (toState === "ready") logger.info({ component }, "a component is ready");
    if (toState !== "crashed") continue;
    const {
      error,
      dueAt = at,
      restartCount,
    } = new Map(view.components()).get(component)?.context ?? {};
    const retryMs = Math.max(0, dueAt - at);
    logger.warn({ component, error, retryMs, restartCount }, "a component failed");
  }
}
