import { readdirSync } from "node:fs";
import { AppError, messageOf } from "../base/errors.ts";
import { holdsText } from "./await.ts";
import { type Capture, createTurns, type Reader, startCapture } from "./capture.ts";
import { createChores } from "./chores.ts";
import { lookAt, reasonOf } from "./directory.ts";
import { createFollowers } from "./followers.ts";
import { heldText, missedText, ownLine } from "./line.ts";
import { type LogFile, type LogIncident, position } from "./log-file.ts";
import type {
  EndOfOutput,
  ErrorReply,
  FromLogThread,
  LogOptions,
  LogRequest,
  ToLogThread,
} from "./messages.ts";
import { createLogs } from "./open-logs.ts";
import { createPipeStock } from "./pipe-stock.ts";
import { isIncarnation, type PipePaths, pipePaths, removePipes } from "./pipes.ts";
import { endPosition, lastLineTime } from "./read.ts";
import { createStamper } from "./stamp.ts";

/** One read takes a quarter of a full pipe: larger ones gain nothing, smaller ones cost calls. */
const READ_BYTES = 256 * 1024;

type Post = (message: FromLogThread, transfer?: ArrayBuffer[]) => void;

interface Incarnation {
  log: LogFile;
  capture: Capture;
  lines: number;
  droppedBytes: number;
  /** Searched for in its lines until it is found. */
  awaits: Buffer | undefined;
  /** Set once `finish` was asked for. */
  ended?: Promise<EndOfOutput>;
}

type Answers = {
  [T in LogRequest["type"]]: (request: Extract<LogRequest, { type: T }>) => unknown;
};

/** The work of the log thread: takes messages of the main thread, answers through `post`. `close`: everything is written, end the thread. */
export function createLogWorker(
  options: LogOptions,
  post: Post,
  close: () => void,
): (message: ToLogThread) => void {
  const { logDir, runDir } = options;
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const reader: Reader = { buffer, stamper: createStamper(), later: createTurns() };
  const incarnations = new Map<string, Incarnation>();
  /** Incarnations that are finished and whose pipes are still to be removed, with their services. */
  const finished = new Map<string, string>();
  const chores = createChores();
  const stock = createPipeStock(runDir, chores);
  const followers = createFollowers(post);
  const report = onlyNews((incident) => post({ type: "incident", incident }));
  const logs = createLogs(options, report, (service, record) =>
    followers.push(service, "", record, 1),
  );

  const write = (log: LogFile, id: string, bytes: Buffer, lines: number): number => {
    const dropped = logs.write(log, bytes, lines);
    followers.push(log.service, id, bytes, lines);
    return dropped;
  };
  const say = (log: LogFile, id: string, text: string): void =>
    void write(log, id, ownLine(text, Date.now()), 1);

  const search = (incarnation: Incarnation, id: string, bytes: Buffer): void => {
    if (!incarnation.awaits || !holdsText(bytes, incarnation.awaits)) return;
    incarnation.awaits = undefined;
    post({ type: "seen", incarnation: id });
  };

  const readFrom = (
    log: LogFile,
    id: string,
    paths: PipePaths,
    awaits: string | undefined,
  ): Incarnation => {
    const took = (bytes: Buffer, lines: number): void => {
      incarnation.lines += lines;
      incarnation.droppedBytes += write(log, id, bytes, lines);
      search(incarnation, id, bytes);
    };
    const failed = (error: Error): void =>
      report(trouble(log.service, `its output cannot be read: ${error.message}`));
    const reading = startCapture(paths, reader, took, failed);
    const incarnation: Incarnation = {
      log,
      capture: reading,
      lines: 0,
      droppedBytes: 0,
      awaits: awaits === undefined ? undefined : Buffer.from(awaits),
    };
    return incarnation;
  };

  /** Pipes that were made for nothing are removed; those an earlier daemon left may hold output. */
  const begin = (log: LogFile, id: string, keepPipes: boolean, awaits?: string): PipePaths => {
    try {
      const paths = stock.take(id);
      incarnations.set(id, readFrom(log, id, paths, awaits));
      return paths;
    } catch (error) {
      logs.release(log.service);
      if (!keepPipes) cleanUp(log.service, id);
      throw error;
    }
  };

  const open = (service: string, id: string, awaits?: string): PipePaths & { offset: number } => {
    const known = incarnations.get(id);
    if (known) return { ...pipePaths(runDir, id), offset: position(known.log) };
    const { stdout } = pipePaths(runDir, id);
    removeFinished(id);
    const log = logs.acquire(service);
    const paths = begin(log, id, lookAt(stdout) !== undefined, awaits);
    return { ...paths, offset: position(log) };
  };

  const reopen = (service: string, id: string, awaits?: string): void => {
    const { stdout, stderr } = pipePaths(runDir, id);
    removeFinished(id);
    if (incarnations.has(id) || !(lookAt(stdout) || lookAt(stderr))) return;
    const log = logs.acquire(service);
    say(log, id, missedText(lastLineTime(logDir, service)));
    begin(log, id, true, awaits); // makes the one that was removed, if one was
  };

  const end = async (
    id: string,
    incarnation: Incarnation,
    drainMs: number,
  ): Promise<EndOfOutput> => {
    const { log, capture } = incarnation;
    if (await capture.finish(drainMs)) say(log, id, heldText());
    incarnations.delete(id);
    followers.settle(log.service);
    const { lines, droppedBytes } = incarnation;
    const offset = position(log);
    logs.release(log.service);
    finished.set(id, log.service);
    chores.add(() => removeFinished(id));
    return { offset, lines, droppedBytes };
  };

  const removeFinished = (id: string): void => {
    const service = finished.get(id);
    if (service !== undefined && finished.delete(id)) cleanUp(service, id);
  };

  const cleanUp = (service: string, id: string): void => {
    try {
      removePipes(runDir, id);
    } catch (error) {
      report(trouble(service, `its pipes cannot be removed: ${reasonOf(error)}`));
    }
  };

  const whereIs = (service: string): number =>
    logs.positionOf(service) ?? endPosition(logDir, service);

  const finish = async (service: string, id: string, drainMs: number): Promise<EndOfOutput> => {
    const incarnation = incarnations.get(id);
    if (!incarnation) return { offset: whereIs(service), lines: 0, droppedBytes: 0 };
    return (incarnation.ended ??= end(id, incarnation, drainMs));
  };

  const note = (service: string, text: string): void => {
    const log = logs.acquire(service);
    say(log, "", text);
    logs.release(service);
  };

  const discard = (keep: ReadonlySet<string>): void => {
    for (const id of readdirSync(runDir)) {
      if (isIncarnation(id) && !keep.has(id) && !incarnations.has(id)) cleanUp("", id);
    }
    stock.removeLeftovers();
  };

  const closeAll = async (): Promise<void> => {
    const all = [...incarnations.values()];
    for (const { capture } of all) capture.stop();
    for (const { ended } of all) await ended; // those somebody asked to finish
    logs.close();
    stock.close();
    chores.finish();
  };

  const answers: Answers = {
    hello: () => "ready",
    open: ({ service, incarnation, awaits }) => open(service, incarnation, awaits),
    reopen: ({ service, incarnation, awaits }) => reopen(service, incarnation, awaits),
    finish: (request) => finish(request.service, request.incarnation, request.drainMs),
    note: (request) => note(request.service, request.text),
    position: (request) => whereIs(request.service),
    discard: (request) => discard(new Set(request.keep)),
    close: () => closeAll(),
  };

  const reply = async (id: number, request: LogRequest): Promise<void> => {
    try {
      const answer = answers[request.type] as (request: LogRequest) => unknown; // by its own type
      post({ type: "reply", id, value: await answer(request) });
    } catch (error) {
      post({ type: "refusal", id, error: errorReply(error) });
    }
    if (request.type === "close") close();
  };

  return (message) => {
    switch (message.type) {
      case "request":
        return void reply(message.id, message.request);
      case "follow":
        return followers.follow(message.service);
      case "unfollow":
        return followers.unfollow(message.service);
      case "taken":
        return followers.taken(message.service, message.bytes);
    }
  };
}

const trouble = (service: string, text: string): LogIncident => ({
  service,
  kind: "trouble",
  message: `service ${service}: ${text}`,
});

/** Passes on an incident unless it says what the last one of its service said: some are met again every second. */
function onlyNews(report: (incident: LogIncident) => void): (incident: LogIncident) => void {
  const last = new Map<string, string>();
  return (incident) => {
    if (last.get(incident.service) === incident.message) return;
    last.set(incident.service, incident.message);
    report(incident);
  };
}

const errorReply = (error: unknown): ErrorReply =>
  error instanceof AppError
    ? { code: error.code, message: error.message, details: error.details }
    : { code: "internal", message: messageOf(error), details: undefined };
