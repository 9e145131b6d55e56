import type { AppError } from "../base/errors.ts";
import type { Client, ListOptions, Service } from "../client/client.ts";
import { codeOf } from "./exit-codes.ts";

/** Told while services are watched. */
interface Watcher {
  /** The services as they are now, once at first and then after each change. */
  show: (services: readonly Service[]) => void;
  /** The daemon went away; it is waited for. */
  lost: (why: AppError) => void;
  found: () => void;
}

/** Changes that come within so many milliseconds are shown at once: a storm of events is no storm of questions. */
const TOGETHER_MS = 200;

/**
 * Shows services whenever an event of the log says that something has changed, until the signal is given. Nothing is asked while
 * nothing happens.
 *
 * @throws AppError of the first request; later ones are waited out
 */
export async function watchServices(
  client: Client,
  chosen: ListOptions,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<void> {
  const list = async () => watcher.show(await client.list({ ...chosen, signal }));
  const { seq } = await client.head({ signal });
  await list();
  const bell = doorbell(signal);
  const following = ringOnEvents(client, seq + 1, watcher, bell, signal);
  const showing = showOnRing(list, bell, signal);
  await Promise.all([following, showing]).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function ringOnEvents(
  client: Client,
  from: number,
  watcher: Watcher,
  bell: Doorbell,
  signal: AbortSignal,
): Promise<void> {
  const found = (): void => {
    watcher.found();
    bell.ring();
  };
  const options = { from, follow: true, onLost: watcher.lost, onFound: found, signal };
  for await (const { stream } of client.events(options)) {
    if (stream.startsWith("service/") || stream.startsWith("environment/")) bell.ring();
  }
}

async function showOnRing(
  list: () => Promise<void>,
  bell: Doorbell,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await bell.rung();
    try {
      await list();
    } catch (error) {
      if (codeOf(error) !== "daemon_unreachable" && codeOf(error) !== "shutting_down") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS));
  }
}

interface Doorbell {
  ring: () => void;
  /** Resolves when it was rung since the last time. */
  rung: () => Promise<void>;
}

function doorbell(signal: AbortSignal): Doorbell {
  let rings = false;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    rings = true;
    wake?.();
  };
  signal.addEventListener("abort", ring, { once: true });
  return {
    ring,
    rung: async () => {
      if (!rings) await new Promise<void>((resolve) => void (wake = resolve));
      rings = false;
    },
  };
}
