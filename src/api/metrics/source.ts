import type { Histogram } from "../../base/histogram.ts";
import type { ServiceGauges } from "../../commands/gauges.ts";

/** What the daemon knows about itself, for whoever watches it. */
export interface MetricsSource {
  services: () => readonly ServiceGauges[];
  /** The event log: its ends, and the bytes that the store takes on disk. */
  log: () => { first: number; last: number; bytes: number };
  /** How long commits take, from the hand-over to the writer to its answer. */
  commits: Histogram;
  /** What waits to be stored: all of it, and the commands among it. */
  queue: () => { inputs: number; commands: number };
}
