import { AppError, messageOf } from "../base/errors.ts";
import { startPart } from "../base/parts.ts";
import type { AppendResult } from "./journal.ts";
import type { Answer, Call, Message, ProjectionNews, Value } from "./protocol.ts";
import { Rebuilds } from "./rebuilds.ts";
import type { RetentionStep } from "./retention.ts";
import type { Writer } from "./writer.ts";

interface Waiting {
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** What `journal-thread` is started with. */
export interface ThreadOptions {
  stateDirectory: string;
  /** A module whose `projections` are kept in the place of ours: for tests. */
  projections?: string;
}

/** The writer in its thread. */
export interface ThreadJournal extends Writer {
  /**
   * Makes a read model anew beside the one that is there, while rows go on being stored. Resolves when it is in its place.
   *
   * @param reason why, as those who look meanwhile are told
   * @throws AppError `not_found` where there is none of that name, `storage_failed` where it cannot be made
   */
  rebuild(projection: string, reason: string): Promise<void>;
}

/**
 * The event store, written by a thread of its own, so that a slow disk holds up no answer.
 *
 * @param onNews told of what happens to read models
 * @throws AppError as `openWriter`, when the thread could not open the log
 */
export async function startThreadJournal(
  options: ThreadOptions,
  onNews: (news: ProjectionNews) => void = () => {},
): Promise<ThreadJournal> {
  const rebuilds = new Rebuilds();
  const heard = (news: ProjectionNews): void => {
    rebuilds.heard(news);
    onNews(news);
  };
  const call = await startThread(options, heard, (error) => rebuilds.end(error));
  return {
    rebuild: (projection, reason) =>
      rebuilds.wait(projection, () =>
        call({ method: "rebuild", parameters: [projection, reason] }),
      ),
    append: (groups) => call({ method: "append", parameters: [groups] }).then(asResult, failed),
    settleKey: async (...parameters) => void (await call({ method: "settleKey", parameters })),
    collectValues: async (...parameters) =>
      Number(await call({ method: "collectValues", parameters })),
    retain: async (...parameters) => asStep(await call({ method: "retain", parameters })),
    close: async () => void (await call({ method: "close", parameters: [] })),
  };
}

/** Resolves when the log is open, with a function that calls the writer in the thread. */
async function startThread(
  options: ThreadOptions,
  onNews: (news: ProjectionNews) => void,
  onEnd: (error: AppError) => void,
): Promise<(call: Call) => Promise<Value>> {
  const worker = startPart("journal-thread", { workerData: options, name: "journal" });
  const waiting: Waiting[] = [];
  let gone: AppError | undefined;
  const end = (why: string): void => {
    gone ??= new AppError(
      "storage_failed",
      `the event log's thread ended (${why}): start the daemon again`,
    );
    for (const one of waiting.splice(0)) one.reject(gone);
    onEnd(gone);
  };
  worker.on("message", (message: Message) =>
    "news" in message ? onNews(message.news) : settle(waiting.shift(), message),
  );
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
  if (typeof value === "object" && "outcome" in value) return value;
  throw anotherQuestion();
}

function asStep(value: Value): RetentionStep {
  if (typeof value === "object" && "more" in value) return value;
  throw anotherQuestion();
}

const anotherQuestion = (): AppError =>
  new AppError("internal", "the event log's thread answered another question");
