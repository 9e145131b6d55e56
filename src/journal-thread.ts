import { parentPort, workerData } from "node:worker_threads";
import { AppError, messageOf } from "./base/errors.ts";
import type { Answer, Call, SentError, Value } from "./journal/protocol.ts";
import type { ThreadOptions } from "./journal/thread-journal.ts";
import type { AppendedRow, OnAppend } from "./journal/append.ts";
import { eventReader } from "./journal/read.ts";
import type { JsonObject } from "./journal/record.ts";
import type { Db } from "./journal/sqlite.ts";
import { openWriter, type Writer } from "./journal/writer.ts";
import { projectionHook, refold } from "./projections/engine.ts";
import { projections } from "./projections/index.ts";
import { Fold } from "./runtime/replay.ts";

/**
 * The writer thread: journal and projections over the one write connection.
 * It answers calls one after another, first of all whether the log is open, and ends when it is closed.
 */
const answer = (message: Answer): void => parentPort?.postMessage(message);

const refuse = (error: unknown): void => answer({ error: sent(error) });

const sent = (error: unknown): SentError => ({
  code: error instanceof AppError ? error.code : "storage_failed",
  message: messageOf(error),
  ...(error instanceof AppError && error.details && { details: error.details }),
});

function perform(writer: Writer, call: Call): Promise<Value> {
  if (call.method === "close") parentPort?.unref(); // the thread ends when the answer is sent
  const method = writer[call.method] as (...parameters: unknown[]) => Promise<Value>; // `Call` pairs them
  return method(...call.parameters);
}

/** The log with what each row led to, as the projections take it. */
function* folded(db: Db): Iterable<AppendedRow> {
  const fold = new Fold();
  for (const row of eventReader(db).all()) {
    fold.add(row);
    const context = fold.streams.get(row.stream)?.snapshot.context as JsonObject | undefined;
    yield { row, view: context ?? {} };
  }
}

const hook = (db: Db): OnAppend => {
  refold(db, projections, () => folded(db));
  return projectionHook(db, projections);
};

try {
  const { stateDirectory } = workerData as ThreadOptions;
  const writer = openWriter({ stateDirectory, hook });
  let last = Promise.resolve();
  parentPort?.on("message", (call: Call) => {
    last = last.then(() => perform(writer, call)).then((value) => answer({ value }), refuse);
  });
  answer({ value: undefined });
} catch (error) {
  refuse(error);
}
