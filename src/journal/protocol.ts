import type { ErrorCode, ErrorDetails } from "../base/errors.ts";
import type { AppendResult } from "./journal.ts";
import type { RetentionStep } from "./retention.ts";
import type { Writer } from "./writer.ts";

/** A call to the writer in its thread. Answers come in the same order. */
type WriterCall = {
  [Method in keyof Writer]: { method: Method; parameters: Parameters<Writer[Method]> };
}[keyof Writer];

/** A call to the thread. `rebuild` makes a read model anew: its answer is whether there is one of that name, its end is news. */
export type Call =
  | WriterCall
  | { method: "rebuild"; parameters: readonly [projection: string, reason: string] };

/** What becomes of a read model. */
export type ProjectionOutcome =
  /** Nobody is to read it from now on, and it is being made anew. */
  | { outcome: "stale"; reason: string }
  /** It follows the log again. */
  | { outcome: "made"; tookMs: number }
  /** It could not be made. It stays stale until somebody asks for it, or the next start. */
  | { outcome: "failed"; reason: string };

/** What happens to read models in the thread, without being asked for. */
export type ProjectionNews = { projection: string } & ProjectionOutcome;

/** An AppError on its way between threads, which would lose its class. */
export interface SentError {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
}

/** What the writer's methods resolve to. */
export type Value = AppendResult | RetentionStep | number | boolean | void;

/** What the thread answers; the first message, without being asked, says whether the log is open. */
export type Answer = { value: Value } | { error: SentError };

/** What comes from the thread. */
export type Message = Answer | { news: ProjectionNews };
