import { parentPort, workerData } from "node:worker_threads";
import { AppError, messageOf } from "./base/errors.ts";
import type { PastCall, PastReply } from "./daemon/past.ts";
import { Questions } from "./offline/questions.ts";
import { openStore } from "./offline/store.ts";

/**
 * The thread that answers questions about the past, over a read-only connection of its own: what reads a whole log must not stand in the way of those
 * who start and stop services. One question after another.
 */
const { stateDirectory } = workerData as { stateDirectory: string };
const questions = new Questions(openStore(stateDirectory));
const send = (reply: PastReply): void => parentPort?.postMessage(reply);

let turn = Promise.resolve();
parentPort?.on("message", ({ id, question, parameters }: PastCall) => {
  turn = turn.then(() => answer(id, question, parameters));
});

async function answer(
  id: number,
  question: string,
  parameters: PastCall["parameters"],
): Promise<void> {
  send({ id, begun: true });
  try {
    send({ id, text: JSON.stringify(await questions.answer(question, parameters, Date.now())) });
  } catch (error) {
    const known = error instanceof AppError ? error : undefined;
    send({
      id,
      error: {
        code: known?.code ?? "internal",
        message: messageOf(error),
        ...(known?.details && { details: known.details }),
      },
    });
  }
}
