import type { ServiceDefinition } from "./definition.ts";
import type { Stamp } from "./kit.ts";
import {
  type Found,
  PROCESS_REPORT_TYPES,
  type ProcessReport,
  type ServiceTimer,
} from "./service-events.ts";

/** A component as configuration has it: how it starts, and how it says that it is ready. */
export interface ComponentDefinition extends ServiceDefinition {
  /** Prepares it for a checkpoint: a program and its arguments. */
  checkpoint?: readonly string[];
  /** Brings it back after a restore. */
  restore?: readonly string[];
}

export type ComponentFact =
  /** Birth. `place`: components start in its order, 0 first. */
  | { type: "component.created"; definition: ComponentDefinition; place: number }
  | { type: "component.changed"; definition: ComponentDefinition; place: number }
  /** Others came before it or went: it goes on as it is. */
  | { type: "component.moved"; place: number }
  /** Configuration has it no more. */
  | { type: "component.removed" }
  /** The daemon is ending. */
  | { type: "component.drain_requested"; timeoutMs?: number }
  | ProcessReport
  | { type: "timer.fired"; timer: ServiceTimer; armed: string }
  | { type: "environment.booted"; found: Found; newMachineBoot: boolean };

export type ComponentEvent = ComponentFact & Stamp;

/** Every type of event a component's stream can hold. */
export const COMPONENT_EVENT_TYPES = [
  "component.created",
  "component.changed",
  "component.moved",
  "component.removed",
  "component.drain_requested",
  ...PROCESS_REPORT_TYPES,
  "timer.fired",
  "environment.booted",
] as const satisfies readonly ComponentEvent["type"][];
