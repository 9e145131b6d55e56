import type { MachineGraph } from "../diagram/graph.ts";
import type { PaperEvent } from "../inspector/page/machine/workbench-wire.ts";

/* What the workbench and the process that holds a machine file say to each other. */

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

/** A machine that was found in a file. */
export interface Loaded {
  export: string;
  exports: readonly string[];
  /** The kind of our streams that it stands for; null: none. */
  kind: string | null;
  graph: MachineGraph;
}
