import { COMPONENT_EVENT_TYPES } from "../../machines/component-events.ts";
import { ENVIRONMENT_EVENT_TYPES } from "../../machines/environment.ts";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { SERVICE_EVENT_TYPES } from "../../machines/service-events.ts";
import type { EventShape } from "../journal/shapes.ts";
import { UPCASTERS } from "../journal/upcast.ts";

const TYPES: Readonly<Record<StreamKind, readonly string[]>> = {
  component: COMPONENT_EVENT_TYPES,
  environment: ENVIRONMENT_EVENT_TYPES,
  service: SERVICE_EVENT_TYPES,
};

/** Every type of event there is, once each, sorted. */
export const EVENT_TYPES: readonly string[] = [...new Set(Object.values(TYPES).flat())].toSorted();

/** Whether our machines, or an upcaster before them, can say what an event of that shape means. */
export function knowsShape({ kind, type, schema }: EventShape): boolean {
  if (!isStreamKind(kind) || schema > machines[kind].version) return false;
  const isOlder = UPCASTERS.some((one) => one.kind === kind && one.from >= schema);
  return isOlder || TYPES[kind].includes(type); // an upcaster may know it by a name that is not in use any more
}
