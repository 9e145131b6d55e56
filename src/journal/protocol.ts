import type { ErrorCode, ErrorDetails } from "../base/errors.ts";
import type { AppendResult } from "./journal.ts";
import type { Writer } from "./writer.ts";

/** A call to the writer in its thread. Answers come in the same order. */
export type Call = {
  [Method in keyof Writer]: { method: Method; parameters: Parameters<Writer[Method]> };
}[keyof Writer];

/** An AppError on its way between threads, which would lose its class. */
export interface SentError {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
}

/** What the writer's methods resolve to. */
export type Value = AppendResult | number | void;

/** What the thread answers; the first message, without being asked, says whether the log is open. */
export type Answer = { value: Value } | { error: SentError };
