import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { AppError } from "../base/errors.ts";
import { createHistogram } from "../base/histogram.ts";
import { randomIds } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import { envValues } from "../commands/env-values.ts";
import type { Config } from "../config/config.ts";
import { openForReading } from "../journal/database.ts";
import { type StateLock, acquireLock } from "../journal/lock.ts";
import { measured } from "../journal/measured.ts";
import { readOnlyJournal } from "../journal/read-only-journal.ts";
import { eventReader } from "../journal/read.ts";
import { sealer } from "../journal/seal.ts";
import { type ThreadJournal, startThreadJournal } from "../journal/thread-journal.ts";
import { startServiceLogs } from "../logs/service-logs.ts";
import { boottimeMs } from "../posix/calls.ts";
import { readStat } from "../posix/proc.ts";
import { tellProjection } from "./tell.ts";

export function lockState(
  { stateDir, socketPath, logDir }: Config,
  release: string,
): Promise<StateLock> {
  const owner = {
    pid: process.pid,
    startTime: readStat(process.pid)?.startTime ?? "",
    socket: socketPath,
    version: release,
    since: Date.now(),
  };
  // Files with secrets are for us alone whatever the directory is; the logs of services, where they lie in it, are for all to read.
  return acquireLock(stateDir, owner, logDir.startsWith(`${stateDir}/`) ? 0o755 : 0o700);
}

/** Upper bounds of how long commits take. */
const COMMIT_SECONDS = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.1, 0.5, 1, 5];

/** The writer; where a newer release has written events that we do not know, none that writes. */
async function openJournal(
  stateDirectory: string,
  logger: Logger,
): Promise<ThreadJournal & { readOnly?: AppError }> {
  try {
    return await startThreadJournal({ stateDirectory }, (news) => tellProjection(news, logger));
  } catch (error) {
    if (!(error instanceof AppError && error.details?.["readable"])) throw error;
    return { ...readOnlyJournal(error), readOnly: error };
  }
}

/** The two worker threads, which start side by side, and what reads the store here. */
export async function openStore(config: Config, logger: Logger) {
  const { stateDir } = config;
  const [writer, logs] = await Promise.all([
    openJournal(stateDir, logger),
    startServiceLogs({
      logDir: config.logDir,
      runDir: join(stateDir, "run"),
      rotateBytes: config.logRotateBytes,
      keep: config.logRotateKeep,
      totalBytes: config.logTotalBytes,
      fileMode: config.logFileMode,
      dirMode: config.logDirMode,
      onEvent: ({ service, kind, message }) => logger.warn({ service, kind }, message),
    }),
  ]);
  const commits = createHistogram(COMMIT_SECONDS);
  const journal = measured(writer, commits.observe);
  const db = openForReading(stateDir);
  const reader = eventReader(db);
  const head = reader.head();
  const clock = systemClock(boottimeMs, head.at);
  const values = envValues({
    reader,
    sealer: sealer(stateDir, () => !reader.hasSealedValues()),
    ids: randomIds,
    clock,
  });
  const { readOnly } = writer;
  const rebuild = (...asked: Parameters<typeof writer.rebuild>) => writer.rebuild(...asked);
  const retain = (...asked: Parameters<typeof writer.retain>) => writer.retain(...asked);
  return { journal, readOnly, rebuild, retain, commits, logs, db, reader, head, clock, values };
}

/** What a daemon has of its store. */
export type Store = Awaited<ReturnType<typeof openStore>>;
