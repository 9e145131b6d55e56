import type { InspectionEvent } from "xstate";
import { AppError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";

/**
 * Streams the live actors to an inspector that speaks Stately's protocol, for who develops machines. Its package is a development dependency, loaded only when it is
 * asked for. What it is sent holds definitions, and no value of `env`.
 *
 * @param url of the WebSocket that listens
 * @throws AppError `config_invalid` where the package is not installed
 */
export async function statelyInspection(
  url: string,
  logger: Logger,
): Promise<(event: InspectionEvent) => void> {
  const { createWebSocketInspector } = await library();
  const { inspect } = createWebSocketInspector({ url });
  logger.warn({ url }, "the actors are streamed to an inspector");
  return (event) => inspect.next?.(event);
}

async function library(): Promise<typeof import("@statelyai/inspect")> {
  try {
    return await import("@statelyai/inspect");
  } catch (error) {
    throw new AppError(
      "config_invalid",
      "inspect_stately needs the package @statelyai/inspect, which is not installed: npm install @statelyai/inspect beside sprite-env, or leave it out",
      { cause: error },
    );
  }
}
