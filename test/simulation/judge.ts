import type { ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";

/** What is to become of a service whose process ended, or could not be had. */
export type Judgement = "retried" | "ends well" | "ends badly";

const DEFAULT_WINDOW_MS = 60_000;

/** The promises about restarts, read once more from the words that people read (docs, "Restart"), without the machine's sums. */
export function judge(
  definition: ServiceDefinition,
  failures: readonly number[],
  at: number,
  status?: ExitStatus,
): Judgement {
  const policy = definition.restart ?? "always";
  const codes = definition.successExitCodes ?? [0];
  const succeeded = status?.code !== undefined && codes.includes(status.code);
  if (succeeded && (definition.oneshot === true || policy !== "always")) return "ends well";
  if (policy === "never") return "ends badly";
  if (definition.maxFailures === undefined) return "retried";
  const window = definition.windowMs ?? DEFAULT_WINDOW_MS;
  const recent = failures.filter((failure) => at - failure < window).length + 1;
  return recent >= definition.maxFailures ? "ends badly" : "retried";
}
