import type {
  EventRecord,
  PastEdges,
  PastEvents,
  PastLogs,
  PastState as State,
  PastStrip,
  Service,
} from "../../../client/types.ts";
import type { MachineGraph } from "../../../diagram/graph.ts";

/* What the daemon answers, by the names that the page has for it. */

export type EventWire = EventRecord;
export type ServiceWire = Service;
export type Phase = ServiceWire["state"]["phase"];

export type Told = PastEvents;
/** An event with what it means in words. */
export type ToldEvent = Told["events"][number];
export type Bucket = PastStrip["buckets"][number];
export type PastState = State;
export type EdgeCount = PastEdges["edges"][number];
export type LogPart = PastLogs;
export type LogLine = LogPart["lines"][number];

/** A place in the log. */
export interface Moment {
  seq: number;
  /** Milliseconds of the log's own clock, for sums. */
  at: number;
}

export interface Usage {
  at: number;
  services: Readonly<Record<string, { cpu_ms: number; rss_bytes: number; processes: number }>>;
}

/** A machine of the daemon: as the schema has it, with the types of the graph. */
export interface OurMachine {
  kind: string;
  version: number;
  graph: MachineGraph;
}
