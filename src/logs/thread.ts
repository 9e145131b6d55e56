import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { AppError } from "../base/errors.ts";
import { startPart } from "../base/parts.ts";
import type { ErrorReply, FromLogThread, LogOptions, LogRequest, ToLogThread } from "./messages.ts";

/** A thread that ended by a bug is started again after this time, not at once: it may end again. */
const RESTART_MS = 1000;
/** A request that was under way when the thread ended, so often, is not sent again. */
const MOST_SENDS = 2;

/** What comes from the thread by itself. */
interface ThreadEvents {
  message(message: FromLogThread): void;
  /** It ended without being asked to; a new one is started. */
  ended(reason: string): void;
  /** A new one runs and knows nothing yet: what is told or asked here comes before requests that wait. */
  startedAgain(): void;
}

/** The main thread's end of the line. */
interface LogThread {
  /** Asks, and waits for the answer. @throws AppError with the thread's reason */
  ask(request: LogRequest): Promise<unknown>;
  tell(message: ToLogThread): void;
  /** Has everything written and waits for the thread's end. */
  close(): Promise<void>;
}

interface Pending {
  request: LogRequest;
  sends: number;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * Starts the log thread, and starts it again should it ever end by itself: services block when nobody reads
 * their pipes. The pipes and what is in them outlive the thread.
 */
export async function startThread(options: LogOptions, events: ThreadEvents): Promise<LogThread> {
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let closing = false;
  let worker: Worker;
  let reason = "it gave no reason";
  let restart: NodeJS.Timeout | undefined;

  const send = (id: number, entry: Pending): void => {
    entry.sends += 1;
    worker.postMessage({ type: "request", id, request: entry.request } satisfies ToLogThread);
  };
  const settle = (id: number, how: (entry: Pending) => void): void => {
    const entry = pending.get(id);
    pending.delete(id);
    if (entry) how(entry);
  };
  const received = (message: FromLogThread): void => {
    if (message.type === "reply") settle(message.id, ({ resolve }) => resolve(message.value));
    else if (message.type === "refusal")
      settle(message.id, ({ reject }) => reject(errorOf(message.error)));
    else events.message(message);
  };
  const startAgain = (): void => {
    restart = undefined;
    const waiting = [...pending];
    worker = newWorker();
    events.startedAgain();
    for (const [id, entry] of waiting) {
      if (entry.sends < MOST_SENDS) send(id, entry);
      else settle(id, ({ reject }) => reject(lost(entry.request, reason)));
    }
  };
  const newWorker = (): Worker => {
    const fresh = startPart("log-thread", { workerData: options, name: "logs" });
    fresh.on("message", received);
    fresh.on("error", (error) => {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    fresh.on("exit", () => {
      if (closing) return;
      events.ended(reason);
      restart = setTimeout(startAgain, RESTART_MS);
    });
    return fresh;
  };
  const ask = (request: LogRequest): Promise<unknown> => {
    if (closing) return Promise.reject(over());
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = nextId++;
    const entry: Pending = { request, sends: 0, resolve, reject };
    pending.set(id, entry);
    send(id, entry);
    return promise;
  };

  const close = async (): Promise<void> => {
    const exited = restart ? undefined : once(worker, "exit");
    if (!restart) void ask({ type: "close" }).catch(() => {}); // it ends, or has ended: that is waited for
    closing = true;
    clearTimeout(restart);
    await exited;
    for (const id of pending.keys()) settle(id, ({ reject }) => reject(over()));
  };
  let closed: Promise<void> | undefined;

  worker = newWorker();
  try {
    await ask({ type: "hello" });
  } catch (error) {
    closing = true;
    await worker.terminate();
    throw error;
  }
  return {
    ask,
    tell: (message) => worker.postMessage(message),
    close: () => (closed ??= close()),
  };
}

const errorOf = ({ code, message, details }: ErrorReply): AppError =>
  new AppError(code, message, details === undefined ? {} : { details });

const over = (): AppError => new AppError("shutting_down", "the log thread has ended");

const lost = (request: LogRequest, reason: string): AppError =>
  new AppError("internal", `the log thread ended twice when asked to ${request.type}: ${reason}`);
