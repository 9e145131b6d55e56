import { componentMachine } from "./component.ts";
import { environmentMachine } from "./environment.ts";
import { serviceMachine } from "./service.ts";

/**
 * Every kind of stream: its machine, the machine's version (stored with each row it takes) and the event that gives birth.
 * Raise a version when old events would lead elsewhere or change their shape, and add an upcaster.
 */
export const machines = {
  environment: { machine: environmentMachine, version: 1, birth: "environment.created" },
  component: { machine: componentMachine, version: 1, birth: "component.created" },
  service: { machine: serviceMachine, version: 1, birth: "service.created" },
} as const;

export type StreamKind = keyof typeof machines;

export const isStreamKind = (kind: string): kind is StreamKind => Object.hasOwn(machines, kind);
