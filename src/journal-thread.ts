import { parentPort, workerData } from "node:worker_threads";
import { AppError, messageOf } from "./base/errors.ts";
import type { Call, Message, SentError, Value } from "./journal/protocol.ts";
import type { ThreadOptions } from "./journal/thread-journal.ts";
import type { OnAppend } from "./journal/append.ts";
import { eventReader } from "./journal/read.ts";
import type { Db } from "./journal/sqlite.ts";
import { openWriter, type Writer } from "./journal/writer.ts";
import { projections as ours } from "./projections/index.ts";
import { keepProjections, type ProjectionKeeper } from "./projections/keeper.ts";
import type { Projection } from "./projections/projection.ts";
import { knowsShape } from "./runtime/known-shapes.ts";
import { logSource } from "./runtime/log-source.ts";
import { retentionPorts } from "./runtime/retained.ts";

/**
 * The writer thread: journal and projections over the one write connection.
 * It answers calls one after another, first of all whether the log is open, and ends when it is closed.
 */
const answer = (message: Message): void => parentPort?.postMessage(message);

const refuse = (error: unknown): void => answer({ error: sent(error) });

const sent = (error: unknown): SentError => ({
  code: error instanceof AppError ? error.code : "storage_failed",
  message: messageOf(error),
  ...(error instanceof AppError && error.details && { details: error.details }),
});

async function perform(writer: Writer, call: Call): Promise<Value> {
  if (call.method === "rebuild") return keeper?.rebuild(...call.parameters) ?? false;
  if (call.method === "close") {
    keeper?.stop();
    parentPort?.unref(); // the thread ends when the answer is sent
  }
  const method = writer[call.method] as (...parameters: unknown[]) => Promise<Value>; // `Call` pairs them
  return method(...call.parameters);
}

/** Of the present connection: after an I/O error the file is opened anew. */
let keeper: ProjectionKeeper | undefined;

const keeping =
  (projections: readonly Projection[]) =>
  (db: Db): OnAppend => {
    keeper?.stop();
    keeper = keepProjections(db, projections, {
      open: logSource(eventReader(db)),
      later: (ms, run) => void setTimeout(run, ms).unref(),
      tell: (news) => answer({ news }),
    });
    return keeper.onAppend;
  };

async function begin(): Promise<void> {
  const { stateDirectory, projections } = workerData as ThreadOptions;
  const other = projections && ((await import(projections)) as { projections: Projection[] });
  const hook = keeping(other ? other.projections : ours);
  const knows = knowsShape;
  const writer = openWriter({ stateDirectory, hook, knows, retention: retentionPorts });
  let last = Promise.resolve();
  parentPort?.on("message", (call: Call) => {
    last = last.then(() => perform(writer, call)).then((value) => answer({ value }), refuse);
  });
  answer({ value: undefined });
}

begin().catch(refuse);
