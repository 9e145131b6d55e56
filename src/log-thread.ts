import { parentPort, workerData } from "node:worker_threads";
import type { LogOptions, ToLogThread } from "./logs/messages.ts";
import { createLogWorker } from "./logs/worker.ts";

/*
 * The thread of service output: reads every service's pipes and writes every service's log, so that a slow
 * disk delays log lines and nothing else. `startServiceLogs` starts it and hands it its options.
 */
const port = parentPort;
if (port === null) throw new Error("log-thread is started as a worker thread, not as a program");

const handle = createLogWorker(
  workerData as LogOptions, // startServiceLogs is the only one that starts this file
  (message, transfer) => port.postMessage(message, transfer),
  () => port.close(),
);
port.on("message", (message: ToLogThread) => handle(message));
