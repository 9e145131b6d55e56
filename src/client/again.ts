import { AppError } from "../base/errors.ts";
import { LostReply } from "./lost-reply.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Answers that a daemon between two lives gives. */
const MAY_COME_BACK: readonly string[] = ["daemon_unreachable", "shutting_down"];

export interface Patience {
  /** How long to go on after a reply was lost, in milliseconds; 0: not at all. */
  retryMs: number;
  signal: AbortSignal | undefined;
  /** Told of each reply that was lost. */
  onRetry: ((error: AppError) => void) | undefined;
}

/**
 * Asks, and asks again where the reply was lost, until the time is over. A daemon that was never reached is not asked again.
 *
 * The request must be one that may arrive twice: a question, or a command with an idempotency key.
 *
 * @throws what `ask` throws; the LostReply where nobody answers any more
 */
export async function again<Answer>(
  ask: () => Promise<Answer>,
  { retryMs, signal, onRetry }: Patience,
): Promise<Answer> {
  let lost: LostReply | undefined;
  let giveUpAt = Infinity;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof LostReply) {
        if (!lost) giveUpAt = performance.now() + retryMs;
        lost = error;
        if (retryMs > 0) onRetry?.(error);
      } else if (!lost || !mayComeBack(error)) throw error;
      if (performance.now() + pause > giveUpAt) throw lost;
    }
    await rest(pause, signal);
  }
}

/** Whether a daemon that is started anew may answer otherwise. */
export const mayComeBack = (error: unknown): boolean =>
  error instanceof AppError && MAY_COME_BACK.includes(error.code);

/** Waits. @throws the reason of the signal, at once */
export function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(reasonOf(signal));
    const gaveUp = (): void => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", gaveUp);
      resolve();
    }, ms);
    signal?.addEventListener("abort", gaveUp, { once: true });
  });
}

const reasonOf = (signal: AbortSignal | undefined): Error => {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
};
