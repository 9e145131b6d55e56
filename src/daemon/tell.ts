import type { Logger } from "../base/logger.ts";
import type { ProjectionNews } from "../journal/protocol.ts";
import type { BootReport } from "../runtime/boot.ts";

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
