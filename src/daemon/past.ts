import type { Worker } from "node:worker_threads";
import type { Past } from "../api/routes/past.ts";
import { AppError, type ErrorCode, type ErrorDetails, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { startPart } from "../base/parts.ts";

/** A question, as the thread gets it. */
export interface PastCall {
  id: number;
  question: string;
  parameters: Readonly<Record<string, string | number | undefined>>;
}

/** That it was begun; then its answer as JSON, or what went wrong. */
export type PastReply =
  | { id: number; begun: true }
  | { id: number; text: string }
  | {
      id: number;
      error: { code: ErrorCode; message: string; details?: ErrorDetails };
    };

interface Waiting {
  call: PastCall;
  resolve: (text: string) => void;
  reject: (error: AppError) => void;
  limit?: NodeJS.Timeout;
}

/** Questions that may wait. */
const QUEUED = 200;
/** A question that takes longer is given up, with its thread, in milliseconds. */
const LIMIT_MS = 30_000;
/** Without a question for so long the thread ends, and gives its memory back, in milliseconds. */
const IDLE_MS = 120_000;
/** What the thread may have, in megabytes: a question about a long log must not take the machine's memory. */
const HEAP_MB = 512;

/**
 * Answers about the past, by a thread that is there while somebody asks. Why: `docs/decisions/0027-…`.
 */
export class PastThread implements Past {
  readonly #stateDirectory: string;
  readonly #logger: Logger;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;

  constructor(stateDirectory: string, logger: Logger) {
    this.#stateDirectory = stateDirectory;
    this.#logger = logger;
  }

  ask(question: string, parameters: PastCall["parameters"]): Promise<string> {
    if (this.#waiting.size >= QUEUED)
      return Promise.reject(
        new AppError(
          "busy",
          `${QUEUED} questions about the past wait already: ask again in a moment`,
        ),
      );
    clearTimeout(this.#idle);
    const call = { id: (this.#last += 1), question, parameters };
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.set(call.id, { call, resolve, reject });
    this.#thread().postMessage(call);
    return promise;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startPart("past-thread", {
      workerData: { stateDirectory: this.#stateDirectory },
      name: "past",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.unref();
    worker.on("message", (reply: PastReply) => this.#heard(reply));
    worker.on("error", (error) => this.#ended(worker, messageOf(error)));
    worker.on("exit", () => this.#ended(worker, "it was ended"));
    this.#worker = worker;
    return worker;
  }

  #heard(reply: PastReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("begun" in reply) {
      waiting.limit = setTimeout(() => this.#giveUp(waiting), LIMIT_MS).unref();
      return;
    }
    clearTimeout(waiting.limit);
    this.#waiting.delete(reply.id);
    if ("text" in reply) waiting.resolve(reply.text);
    else {
      const { code, message, details } = reply.error;
      waiting.reject(new AppError(code, message, details && { details }));
    }
    if (this.#waiting.size === 0)
      this.#idle = setTimeout(() => void this.#worker?.terminate(), IDLE_MS).unref();
  }

  #giveUp({ call, reject }: Waiting): void {
    this.#waiting.delete(call.id);
    this.#logger.warn(
      { question: call.question },
      "a question about the past took too long: it was given up",
    );
    reject(
      new AppError(
        "timed_out",
        `"${call.question}" was not answered within ${LIMIT_MS / 1_000} s: ask about less of the log`,
      ),
    );
    void this.#worker?.terminate();
  }

  /** Those that waited behind one that ended the thread are asked again of the next one; it itself, if it is among them, was begun. */
  #ended(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const left = [...this.#waiting.values()];
    for (const { call, limit, reject } of left) {
      if (limit === undefined) continue;
      clearTimeout(limit);
      this.#waiting.delete(call.id);
      reject(new AppError("internal", `the thread that reads the past ended (${why}): ask again`));
    }
    for (const { call } of this.#waiting.values()) this.#thread().postMessage(call);
  }
}
