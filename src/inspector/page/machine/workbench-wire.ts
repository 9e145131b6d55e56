import type { GraphEdge, MachineGraph } from "../../../diagram/graph.ts";

/* What the workbench answers. */

/** A machine file as it was last saved, and what it would have done. */
export interface MachineReport {
  file: string;
  export: string;
  exports: readonly string[];
  /** Of our streams that it stands for; null: none. */
  kind: string | null;
  /** Milliseconds since the epoch. */
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

/** A log through a machine. */
export interface Replayed {
  rows: number;
  streams: number;
  took_ms: number;
  /** Rows that lead elsewhere, each from where the log had led until then. */
  differing_rows: number;
  differing_streams: number;
  first: Differing | null;
  /** The first of each stream, at most 100. */
  by_stream: readonly { stream: string; seq: number }[];
}

export interface Replay extends Replayed {
  log: string;
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

export interface PaperEvent {
  type: string;
  [field: string]: unknown;
}

/** One event on paper. */
export interface PaperStep {
  event: PaperEvent;
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
