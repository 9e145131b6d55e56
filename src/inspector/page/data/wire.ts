import type { MachineGraph } from "../../../diagram/graph.ts";
import type { EventRecord as EventWire, Service as ServiceWire } from "../../../client/types.ts";

/* What the daemon answers, as the page reads it. */

export type { EventWire, MachineGraph, ServiceWire };

export type Phase = ServiceWire["state"]["phase"];

/** An event with what it means in words. */
export type ToldEvent = EventWire & { text: string };

export interface Moment {
  seq: number;
  /** Milliseconds of the log's own clock, for sums. */
  at: number;
  /** Milliseconds since the epoch. */
  wall: number;
}

export interface Span {
  first: Moment;
  last: Moment;
  rows: number;
}

export interface Bucket {
  first: number;
  last: number;
  wall_from: number;
  wall_to: number;
  rows: number;
  starts: number;
  crashes: number;
  commands: number;
  boots: number;
}

export interface PastState {
  place: Moment;
  boot: { number: number; id: string } | null;
  sprite: string;
  services: ServiceWire[];
  note?: string;
}

export interface Told {
  events: ToldEvent[];
  more: boolean;
}

export interface Usage {
  at: number;
  services: Readonly<Record<string, { cpu_ms: number; rss_bytes: number; processes: number }>>;
}

export interface EdgeCount {
  from: string | null;
  to: string;
  event: string;
  count: number;
  last_seq: number;
  last_wall: number;
}

export interface LogLine {
  wall: number;
  stream: "stdout" | "stderr";
  text: string;
  incarnation: string | null;
  cut?: true;
}

export interface LogPart {
  file: string;
  lines: LogLine[];
  more_before: boolean;
  more_after: boolean;
  note?: string;
}

export interface OurMachine {
  kind: string;
  version: number;
  graph: MachineGraph;
}
