import type { GraphEdge, MachineGraph } from "../diagram/graph.ts";

/* What the workbench and the process that holds a machine file say to each other, and what the page is told. */

/** What is asked of the process that holds the file. */
export type HostCall =
  | { op: "load"; file: string; export?: string | undefined; kind?: string | undefined }
  | { op: "replay"; stateDirectory: string }
  | { op: "paper"; input?: unknown; events: readonly PaperEvent[] };

export type HostRequest = HostCall & { id: number };

export type HostReply =
  | { id: number; value: unknown }
  | { id: number; progress: { done: number; of: number } }
  | { id: number; error: { message: string; detail?: string } };

export interface PaperEvent {
  type: string;
  [field: string]: unknown;
}

/** A machine that was found in a file. */
export interface Loaded {
  export: string;
  exports: readonly string[];
  /** The kind of our streams that it stands for; null: none. */
  kind: string | null;
  graph: MachineGraph;
}

/** The first recorded row that would go elsewhere. */
export interface Differing {
  seq: number;
  stream: string;
  type: string;
  recorded: { from: string | null; to: string };
  now: { from: string | null; to: string | null };
  reason: string;
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
  events: readonly { type: string; example: object }[];
}

/** What the page shows of a file: as it was last saved. */
export interface Report {
  file: string;
  export: string;
  exports: readonly string[];
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
  replay:
    | (Replayed & {
        log: string;
        first: (Differing & { edge?: string }) | null;
        progress?: { done: number; of: number };
      })
    | null;
}
