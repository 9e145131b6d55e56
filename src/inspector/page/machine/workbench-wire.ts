import type { GraphEdge, MachineGraph } from "../../../diagram/graph.ts";

/* What the workbench answers. */

/** A machine file as it was last saved, and what it would have done. */
export interface MachineReport {
  file: string;
  export: string;
  exports: readonly string[];
  kind: string | null;
  loaded_at: number;
  error: { message: string; detail?: string } | null;
  graph: MachineGraph | null;
  reach: {
    unreachable: readonly string[];
    goal: string | null;
    cannot_reach_goal: readonly string[];
  } | null;
  compared: {
    against: string;
    version: number;
    nodes_added: readonly string[];
    nodes_removed: readonly string[];
    edges_added: readonly GraphEdge[];
    edges_removed: readonly GraphEdge[];
  } | null;
  replay: Replay | null;
}

export interface Replay {
  log: string;
  rows: number;
  streams: number;
  took_ms: number;
  differing_rows: number;
  differing_streams: number;
  first: Differing | null;
  /** Absent: it is done. */
  progress?: { done: number; of: number };
}

export interface Differing {
  seq: number;
  stream: string;
  type: string;
  recorded: { from: string | null; to: string };
  now: { from: string | null; to: string | null };
  reason: string;
  /** The edge of ours that is gone, in words. */
  edge?: string;
}

export interface PaperStep {
  event: { type: string };
  taken: boolean;
  from: string | null;
  to: string;
  context: unknown;
  effects: readonly { type: string; params?: unknown }[];
  error?: string;
}

export interface Paper {
  steps: readonly PaperStep[];
  /** What may be sent, with an example of each. */
  events: readonly { type: string; example: object }[];
}
