import type { Logger } from "../base/logger.ts";
import { SystemError } from "../posix/libc.ts";
import { signalVerified } from "../posix/pidfd.ts";
import { signalNumber } from "../posix/signals.ts";
import { isStillProven, type Sighting } from "./identity.ts";

/**
 * Signals processes that were sighted, each only if it still shows what proved it.
 *
 * The last first: what is proven by another's being there comes before that one.
 */
export async function signalAll(
  sightings: readonly Sighting[],
  signal: string,
  logger: Logger,
): Promise<void> {
  for (const sighting of sightings.toReversed()) {
    await signalOne(sighting.pid, signal, () => isStillProven(sighting), logger);
  }
}

/** Signals one process, if it is the one that is meant once its pidfd is held. What the kernel refuses is logged: there is nothing else to try. */
export async function signalOne(
  pid: number,
  signal: string,
  isMeant: () => boolean | Promise<boolean>,
  logger: Logger,
): Promise<void> {
  const number = signalNumber(signal);
  if (number === undefined) return;
  try {
    await signalVerified(pid, number, isMeant);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const fields = { signal, errno: error.code };
    logger.warn(fields, `process ${pid} of a service cannot be signalled`);
  }
}
