import { Worker } from "node:worker_threads";
import { AppError, messageOf } from "../base/errors.ts";
import type { AppendResult } from "./journal.ts";
import type { Answer, Call, Value } from "./protocol.ts";
import type { Writer } from "./writer.ts";

interface Waiting {
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** What `journal-thread` is started with. */
export interface ThreadOptions {
  stateDirectory: string;
}

/**
 * The event store, written by a thread of its own, so that a slow disk holds up no answer.
 *
 * @throws AppError as `openWriter`, when the thread could not open the log
 */
export async function startThreadJournal(options: ThreadOptions): Promise<Writer> {
  const call = await startThread(options);
  return {
    append: (groups) => call({ method: "append", parameters: [groups] }).then(asResult, failed),
    settleKey: async (...parameters) => void (await call({ method: "settleKey", parameters })),
    collectValues: async (...parameters) =>
      Number(await call({ method: "collectValues", parameters })),
    close: async () => void (await call({ method: "close", parameters: [] })),
  };
}

/** Resolves when the log is open, with a function that calls the writer in the thread. */
async function startThread(options: ThreadOptions): Promise<(call: Call) => Promise<Value>> {
  const name = import.meta.url.endsWith(".ts") ? "../journal-thread.ts" : "../journal-thread.js";
  const worker = new Worker(new URL(name, import.meta.url), {
    workerData: options,
    name: "journal",
  });
  const waiting: Waiting[] = [];
  let gone: AppError | undefined;
  const end = (why: string): void => {
    gone ??= new AppError(
      "storage_failed",
      `the event log's thread ended (${why}): start the daemon again`,
    );
    for (const one of waiting.splice(0)) one.reject(gone);
  };
  worker.on("message", (answer: Answer) => settle(waiting.shift(), answer));
  worker.on("error", (error) => end(messageOf(error)));
  worker.on("exit", () => end("it was closed"));

  const answered = (): Promise<Value> =>
    new Promise((resolve, reject) => void waiting.push({ resolve, reject }));
  await answered();
  return (call) => {
    if (gone) return Promise.reject(gone);
    worker.postMessage(call);
    return answered();
  };
}

function settle(waiting: Waiting | undefined, answer: Answer): void {
  if ("value" in answer) return waiting?.resolve(answer.value);
  const { code, message, details } = answer.error;
  waiting?.reject(new AppError(code, message, details && { details }));
}

const failed = (error: unknown): AppendResult => ({ outcome: "failed", message: messageOf(error) });

function asResult(value: Value): AppendResult {
  if (typeof value === "object") return value;
  throw new AppError("internal", "the event log's thread answered another question");
}
