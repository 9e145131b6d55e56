import type { ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import type { Fate, SyncFault } from "./disk.ts";
import type { Program } from "./programs.ts";

/** What a person asks for. */
export interface Request {
  verb: "put" | "update" | "rollback" | "start" | "restart" | "stop" | "delete" | "signal" | "list";
  service: string;
  definition?: ServiceDefinition;
  change?: { readonly [field: string]: unknown };
  /** With an idempotency key. */
  isKeyed: boolean;
  /** Only at the version that is there now, at another one, or at any. */
  ifMatch?: "current" | "other" | "*";
  /** To go back to; absent: the one before. */
  version?: number;
  durationMs: number;
  timeoutMs?: number;
  withDependents: boolean;
  signal?: string;
  /** When the reply's reader leaves. */
  leaves: "at once" | "after a line" | "at its end";
}

/** One step of a run. A history without some of its steps is a history too. */
export type Decision =
  /** What is planned next happens. */
  | { do: "go" }
  /** Time passes, but nothing happens in it. */
  | { do: "wait"; ms: number }
  | ({ do: "ask" } & Request)
  /** A request is sent once more, as it was: so many requests back. */
  | { do: "again"; back: number }
  /** A service's program is another one from its next start on. */
  | { do: "program"; service: string; how: Partial<Program> }
  /** Its main process ends by itself. */
  | { do: "end"; service: string; status: ExitStatus }
  /** It forks a child, or one that leaves its session. */
  | { do: "fork"; service: string; role: "child" | "escapee" }
  | {
      do: "fall ill";
      service: string;
      ill: Partial<Pick<Program, "stubborn" | "immortal" | "healthy" | "hidden">>;
    }
  /** Somebody else's process begins; those that there are leave. */
  | { do: "stranger"; leaves: boolean }
  /** A call to the store takes up to so many milliseconds from now on. */
  | { do: "slow"; slowMs: number }
  /** The file cannot grow for so long. */
  | { do: "full"; forMs: number }
  | { do: "sync fails"; fault: SyncFault; stuckMs: number }
  /** The clock on the wall jumps. */
  | { do: "wall"; byMs: number }
  /** The machine sleeps, and so does everything on it. */
  | { do: "sleep"; ms: number }
  /** A report of an earlier life, or a timer, comes late, and once more: so many back. */
  | { do: "echo"; service: string; what: "report" | "timer"; back: number }
  /** The daemon gets KILL, or the machine loses its power; the next daemon begins so much later. Meanwhile a service can end, and its process number become a stranger's. */
  | {
      do: "die";
      isPowerCut: boolean;
      fate: Fate;
      afterMs: number;
      lost?: { service: string; isTaken: boolean };
    }
  | { do: "shut down"; deadlineMs: number; hurryMs?: number; afterMs: number }
  /** What is older goes from the log. */
  | { do: "retain"; ageMs: number }
  /** Somebody else tries to append a row that does not follow. */
  | { do: "intrude"; service: string; ahead: number }
  /** All faults end, and after a minute everything must be as it should. */
  | { do: "calm" };

/** A step in words, for who reads a history. */
export function inWords(decision: Decision): string {
  const { do: name, ...rest } = decision;
  const text = JSON.stringify(rest);
  return text === "{}" ? name : `${name} ${text}`;
}
