import type { ErrorCode, ErrorDetails } from "../base/errors.ts";
import type { LogIncident } from "./log-file.ts";

/** What `startServiceLogs` is given and hands to its thread. */
export interface LogOptions {
  /** One file a service, `<name>.log`, beside those that were set aside. */
  logDir: string;
  /** A directory for each incarnation with its two pipes. */
  runDir: string;
  /** Size at which a file is set aside. */
  rotateBytes: number;
  /** Files set aside that are kept for each service. */
  keep: number;
  /** Size of everything in `logDir` that is ours. */
  totalBytes: number;
  fileMode: number;
  dirMode: number;
}

export type LogRequest =
  | { type: "hello" }
  /** `awaits`: tell when a line of its output holds this text. */
  | { type: "open" | "reopen"; service: string; incarnation: string; awaits?: string }
  | { type: "finish"; service: string; incarnation: string; drainMs: number }
  | { type: "note"; service: string; text: string }
  | { type: "position"; service: string }
  | { type: "discard"; keep: readonly string[] }
  | { type: "close" };

export type ToLogThread =
  | { type: "request"; id: number; request: LogRequest }
  | { type: "follow" | "unfollow"; service: string }
  /** So many bytes of followed lines were handed to the listeners. */
  | { type: "taken"; service: string; bytes: number };

export interface ErrorReply {
  code: ErrorCode;
  message: string;
  details: ErrorDetails | undefined;
}

export type FromLogThread =
  | { type: "reply"; id: number; value: unknown }
  | { type: "refusal"; id: number; error: ErrorReply }
  | { type: "incident"; incident: LogIncident }
  /** A line of its output holds the text that was awaited. Told once. */
  | { type: "seen"; incarnation: string }
  /** Whole lines, stamped, as they stand in the file. `incarnation` is "" for a note. */
  | { type: "lines"; service: string; incarnation: string; bytes: Uint8Array }
  /** Lines that a follower was too slow for. */
  | { type: "skipped"; service: string; incarnation: string; lines: number };

/** What `finish` tells. */
export interface EndOfOutput {
  /** Position after its last line. */
  offset: number;
  /** Lines it wrote, kept or not. */
  lines: number;
  /** Bytes of lines that could not be written to the file. */
  droppedBytes: number;
}
