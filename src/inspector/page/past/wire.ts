/* Answers about boots and about two moments, as the command line prints them with --json. */

export interface BootWire {
  boot: number;
  id: string;
  seq: number;
  time: string;
  release: string;
  pid: number;
  machine_boot: string;
  new_machine_boot?: boolean;
  found: { open: number; proven: number; unproven: number };
  events: number;
  ready?: string;
  ready_ms?: number;
  end: { kind: string; reason?: string; time?: string };
}

export interface BootServiceWire {
  name: string;
  decision: "start" | "wait" | "leave";
  why: string;
  waited_for?: string;
  waits_for?: string[];
  asked_ms?: number;
  spawned_ms?: number;
  up_ms?: number;
  failed?: string;
}

export interface ChainWire {
  name: string;
  up_ms: number;
  took_ms: number;
  held_by?: unknown;
}

export interface BootStoryWire extends BootWire {
  services: BootServiceWire[];
  critical_chain: ChainWire[];
}

export interface BootDiffWire {
  from: { boot: number; id: string };
  to: { boot: number; id: string };
  differences: { fact: string; service?: string; before?: unknown; after?: unknown }[];
}

export interface BriefWire {
  phase: string;
  desired: string;
  version: number;
  pid?: number;
  restart_count?: number;
}

export interface ChangeWire {
  name: string;
  change: "new" | "gone" | "passing" | "replaced" | "changed";
  before?: BriefWire;
  after?: BriefWire;
  definition: { field: string; before?: unknown; after?: unknown }[];
  starts: number;
  crashes: number;
  wishes: { seq: number; time: string; text: string }[];
}

export interface ChangesWire {
  from: { seq: number; time: string };
  to: { seq: number; time: string };
  boots: { seq: number; time: string }[];
  services: ChangeWire[];
  unchanged: string[];
}
