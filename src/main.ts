import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { resolved } from "../machines/definition.ts";
import type { EventLog } from "./api/feed/feed.ts";
import type { MetricsSource } from "./api/metrics/source.ts";
import type { Projections } from "./api/routes/projections.ts";
import { createApiServer } from "./api/server.ts";
import { systemClock } from "./base/clock.ts";
import { AppError, messageOf } from "./base/errors.ts";
import { createHistogram } from "./base/histogram.ts";
import { randomIds } from "./base/ids.ts";
import { createLogger, type Logger } from "./base/logger.ts";
import { envValues } from "./commands/env-values.ts";
import { serviceGauges } from "./commands/gauges.ts";
import { logLines } from "./commands/log-lines.ts";
import { serviceReads, type ServiceReads } from "./commands/read-services.ts";
import { keys } from "./commands/keys.ts";
import { retireService } from "./commands/retire.ts";
import { serviceCommands } from "./commands/services.ts";
import { parseFlags } from "./config/flags.ts";
import { loadConfig } from "./config/load.ts";
import type { ApiToken } from "./config/tokens.ts";
import type { Config } from "./config/schema.ts";
import { admit, checkDefaultUser } from "./effects/admit.ts";
import { machineBoot } from "./effects/identity.ts";
import { keepSoftNofile } from "./effects/nofile.ts";
import { fromDaemon } from "./effects/environment.ts";
import { createProbes } from "./effects/probes.ts";
import { createProcessRunner } from "./effects/process.ts";
import { createSigns } from "./effects/signs.ts";
import { createSurroundings } from "./effects/surroundings.ts";
import { createTimers } from "./effects/timers.ts";
import { ownIds } from "./effects/user.ts";
import { openForReading } from "./journal/database.ts";
import { eventPages } from "./journal/event-pages.ts";
import { idOf } from "./journal/record.ts";
import { acquireLock, type StateLock } from "./journal/lock.ts";
import { runRetention } from "./journal/retention-runs.ts";
import { measured } from "./journal/measured.ts";
import { eventReader } from "./journal/read.ts";
import type { ProjectionNews } from "./journal/protocol.ts";
import { sealer } from "./journal/seal.ts";
import { storeBytes } from "./journal/store-size.ts";
import { createTail, type Tail } from "./journal/tail.ts";
import { readOnlyJournal } from "./journal/read-only-journal.ts";
import { startThreadJournal, type ThreadJournal } from "./journal/thread-journal.ts";
import { startServiceLogs } from "./logs/service-logs.ts";
import { createChildren } from "./pid1/children.ts";
import { adoptOrphans } from "./pid1/subreaper.ts";
import { boottimeMs, exitNow, peerCredentials } from "./posix/calls.ts";
import { forgetVariable } from "./posix/environment.ts";
import { readStat } from "./posix/proc.ts";
import { headOf } from "./projections/heads.ts";
import { projections } from "./projections/index.ts";
import { boot, type BootReport, openIncarnations } from "./runtime/boot.ts";
import { watchClock } from "./runtime/clock-watch.ts";
import { Dispatcher, inWords } from "./runtime/dispatch.ts";
import { boundMachines } from "./runtime/effects.ts";
import { ENVIRONMENT, type Fact } from "./runtime/group.ts";
import { endedStreams, statesAt } from "./runtime/past.ts";
import { Registry } from "./runtime/registry.ts";
import { shutdown, type Shutdown } from "./runtime/shutdown.ts";

/** The release, as package.json has it: two folders up in a build, one in a checkout's sources. */
export function releaseOf(here: string): string {
  for (const up of ["..", "../.."]) {
    try {
      const text = readFileSync(join(fileURLToPath(here), "..", up, "package.json"), "utf8");
      return String((JSON.parse(text) as { version: unknown }).version);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new AppError(
    "internal",
    "the package's own package.json is not there: install sprite-env again",
  );
}

const after = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/*
 * The composition root: the one file that knows every layer, and so the one that is longer than the others. It makes each part and hands it what it needs.
 */

/**
 * The daemon: from its command line to its end.
 *
 * @returns the exit code; a daemon that ran does not return but leaves by `_exit`, since a spawn that hangs would hold up an ordinary exit
 * @throws AppError what keeps it from starting
 */
export async function main(argv: readonly string[]): Promise<number> {
  const release = releaseOf(import.meta.url);
  const flags = parseFlags(argv);
  if (flags.version) {
    process.stdout.write(`${process.env["SPRITE_ENV_PROGRAM"] ?? "sprite-env"} ${release}\n`);
    return 0;
  }
  const { config, notices, secretVariables, tokens, warnings } = loadConfig(flags);
  secretVariables.forEach(forgetVariable);
  const logger = createLogger({ level: config.logLevel, json: config.logJson });
  for (const notice of notices) logger.info(notice);
  for (const warning of warnings) logger.warn(warning);
  const signals = listenForSignals(logger);
  const daemon = await start(config, tokens, logger, release);
  const left = await ended(daemon, signals, config, logger);
  await daemon.close();
  if (left.length > 0) logger.error({ services: left }, "could not be ended");
  logger.info("the daemon ended");
  return exitNow(0);
}

interface Daemon {
  shutdown(reason: string): Shutdown;
  close(): Promise<void>;
}

/** Everything from the lock to the socket, in the order in which each needs the one before. */
async function start(
  config: Config,
  tokens: readonly ApiToken[],
  logger: Logger,
  release: string,
): Promise<Daemon> {
  await checkDefaultUser(config.defaultUser, ownIds());
  const lock = await lockState(config, release);
  const store = await openStore(config, logger);
  const { clock, db, journal, logs, reader, values } = store;
  const runtime = startRuntime(config, logger, store);
  const { children, dispatcher, processes, registry, fold } = runtime;
  const tail = createTail();
  dispatcher.listen((rows) => tail.publish(rows));
  const read = serviceReads(db, registry, fold);
  const { byName } = read;
  const { readOnly } = store;
  if (!readOnly) mendServices(read, store, logger);
  const retiring = { dispatcher, registry, processes, after, rows: reader, byName };
  const services = serviceCommands({
    dispatcher,
    clock,
    values,
    logs,
    wall: clock.wall,
    after,
    keys: keys({ reader, journal, clock }),
    read,
    admits: (asked) => admit(asked, ownIds(), process.env),
    versions: reader,
    logLines: (name, lines, until) => logLines(logs, name, lines, until),
    retire: (name, actor) =>
      readOnly ? Promise.reject(readOnly) : retireService(retiring, name, actor),
  });
  const events = eventLog(store, tail, config.stateDir);
  const { promise: booted, resolve: hasBooted } = Promise.withResolvers<void>();
  const api = createApiServer({
    services,
    events,
    config,
    tokens,
    logger,
    peerUid,
    booted,
    metrics: metricsSource(config, store, dispatcher, read),
    projections: projectionsOf(store),
    version: release,
  });
  const listen = await api.listen(); // before anything is recorded: a socket that cannot be had must leave no trace
  const close = async (): Promise<void> => {
    await api.close();
    tail.close();
    await dispatcher.idle();
    await logs.close();
    await journal.close();
    children.close();
    lock.release();
  };
  if (readOnly) {
    hasBooted();
    logger.error(`${readOnly.message}. Services are left as they are`);
    return { shutdown: () => ({ finished: Promise.resolve([]), hurry: () => {} }), close };
  }
  await logs.discard(openIncarnations(registry).map(({ incarnation }) => incarnation));
  const facts = { machineBoot: machineBoot(), pid: process.pid, release, logDir: config.logDir };
  tellBoot(await boot(fold, registry, dispatcher, processes, facts), logger);

  await dispatcher.command({
    actor: "runtime",
    decide: () => [{ stream: ENVIRONMENT, event: { type: "environment.ready_reached" } }],
  });
  hasBooted();
  const unwatch = watchClock(clock, (byMs) =>
    dispatcher.report(ENVIRONMENT, [{ type: "clock.stepped", byMs }]),
  );
  const endRetention = runRetention({
    journal: store,
    keep: { ageMs: config.retentionAgeMs, bytes: config.retentionBytes },
    clock,
    after,
    onCut: (seq) => logger.info({ seq }, "retention has cut the event log: up to here it is gone"),
    onFailed: (error) => logger.error(inWords(error)),
  });
  const { socketPath: socket, stateDir: state, logDir } = config;
  logger.info({ socket, ...(listen && { listen }), state, logs: logDir }, "ready");

  return {
    shutdown: (reason) =>
      shutdown(dispatcher, processes, {
        reason,
        deadlineMs: config.shutdownTimeoutMs,
        later: after,
      }),
    close: async () => {
      unwatch();
      endRetention();
      await close();
    },
  };
}

function lockState({ stateDir, socketPath, logDir }: Config, release: string): Promise<StateLock> {
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
async function openStore(config: Config, logger: Logger) {
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
  const { readOnly, rebuild, retain } = writer;
  return { journal, readOnly, rebuild, retain, commits, logs, db, reader, head, clock, values };
}

/** The actors, folded from the log, with the runners that do what they ask for. Nothing has been decided yet. */
function startRuntime(
  config: Config,
  logger: Logger,
  { clock, head, journal, logs, reader, readOnly, values }: Awaited<ReturnType<typeof openStore>>,
) {
  const adopts = adoptOrphans(config.reaper);
  const children = createChildren({ adopts });
  const report = (stream: string, facts: readonly Fact["event"][]): void =>
    dispatcher.report(stream, facts);
  const signs = createSigns({ runDir: join(config.stateDir, "run"), logger });
  const nofile = keepSoftNofile(process.env);
  const surroundings = createSurroundings({
    openEnv: (references) => fromDaemon(values.open(references), process.env),
    baseEnv: process.env,
    own: ownIds(),
    config,
  });
  const processes = createProcessRunner({
    report,
    logs,
    children,
    signs,
    surroundings,
    wall: clock.wall,
    logger,
    config: { nofile },
  });
  const probes = createProbes({
    report,
    children,
    signs,
    nofile,
    surroundings: ({ stream, incarnation }) => {
      const definition = dispatcher.view.service(idOf(stream))?.context.definition ?? { cmd: "" };
      return surroundings.of(incarnation, resolved(definition));
    },
  });
  const timers = createTimers({
    clock,
    fire: (stream, fired) => report(stream, [{ type: "timer.fired", ...fired }]),
  });
  const registry = new Registry({
    machines: boundMachines({ processes, timers, probes }),
    ended: endedStreams(reader),
    onEffectFailed: (stream, effect, error) =>
      logger.error({ stream, effect }, `a runner threw: ${messageOf(error)}`),
  });
  const fold = statesAt(reader, head.seq, {
    bound: registry.machines,
    onUnfit: ({ stream, version }, reason) =>
      logger.warn(
        { stream, version },
        `a snapshot is passed over: ${reason}. What is before it is folded instead`,
      ),
  });
  registry.restore(fold);
  const dispatcher: Dispatcher = new Dispatcher(registry, {
    clock,
    ids: randomIds,
    random: Math.random,
    bootId: randomIds.boot(),
    head: head.hash,
    journal,
    ...(readOnly && { readOnly }),
    later: after,
    onSkipped: ({ stream, event }, reason) => logger.debug({ stream, event: event.type }, reason),
    onError: (message, error) => logger.error(`${message}: ${inWords(error)}`),
  });
  return { children, dispatcher, fold, processes, registry };
}

const eventLog = (
  { db, reader }: Pick<Awaited<ReturnType<typeof openStore>>, "db" | "reader">,
  tail: Tail,
  stateDir: string,
): EventLog => ({
  ...eventPages(db),
  head: () => ({ ...reader.head(), stateDir }),
  firstSeq: reader.firstSeq,
  subscribe: () => tail.subscribe(),
});

const metricsSource = (
  { stateDir }: Config,
  { commits, reader }: Pick<Awaited<ReturnType<typeof openStore>>, "commits" | "reader">,
  dispatcher: Dispatcher,
  { byName }: ServiceReads,
): MetricsSource => ({
  services: () => serviceGauges(dispatcher.view, byName),
  log: () => ({
    first: reader.firstSeq(),
    last: reader.head().seq,
    bytes: storeBytes(stateDir),
  }),
  commits,
  queue: () => dispatcher.waiting,
});

/** Listens for the signals from now on: one that comes during the boot is heeded after it, so that nothing is left half begun. */
function listenForSignals(logger: Logger) {
  const { promise: first, resolve: heard } = Promise.withResolvers<NodeJS.Signals>();
  let again: (() => void) | undefined;
  let count = 0;
  const end = (signal: NodeJS.Signals): void => {
    heard(signal);
    count += 1;
    if (count > 1) again?.();
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("SIGHUP", () =>
    logger.warn("HUP: this release does not read its configuration again; start it anew"),
  );
  return {
    first,
    /** Calls back at every later one, and at once where there was one. */
    onAgain: (callback: () => void) => {
      again = callback;
      if (count > 1) callback();
    },
  };
}

/** Waits for the signal to end, ends the services, and hurries at the next one. Resolves with what is left. */
async function ended(
  daemon: Daemon,
  signals: ReturnType<typeof listenForSignals>,
  config: Config,
  logger: Logger,
): Promise<readonly string[]> {
  const signal = await signals.first;
  logger.info({ signal, deadlineMs: config.shutdownTimeoutMs }, "stopping all services");
  const ending = daemon.shutdown(signal);
  signals.onAgain(() => {
    logger.warn("told to end again: everything gets KILL now");
    ending.hurry();
  });
  return ending.finished;
}

const projectionsOf = ({
  db,
  rebuild,
}: Pick<Awaited<ReturnType<typeof openStore>>, "db" | "rebuild">): Projections => ({
  states: () =>
    projections.flatMap(({ name }) => {
      const { version = 0, seq = 0, stale } = headOf(db, name) ?? {};
      return [{ name, version, seq, ...(typeof stale === "string" && { stale }) }];
    }),
  rebuild: (name) => rebuild(name, "somebody asked for it"),
});

function tellProjection(news: ProjectionNews, logger: Logger): void {
  const { projection } = news;
  if (news.outcome === "made")
    return logger.info({ projection, ms: Math.round(news.tookMs) }, "the read model is made anew");
  const goesOn = "answers come from the state machines until it is made anew";
  if (news.outcome === "stale")
    return logger.warn({ projection }, `the read model is stale: ${news.reason}; ${goesOn}`);
  return logger.error({ projection }, `the read model stays stale: ${news.reason}; ${goesOn}`);
}

/** A read model that was changed by hand, or by a bug, is found before anybody is answered from it. */
function mendServices(
  { wrong }: ServiceReads,
  { rebuild }: Pick<Awaited<ReturnType<typeof openStore>>, "rebuild">,
  logger: Logger,
): void {
  const names = wrong();
  if (names.length === 0) return;
  const reason = `it says otherwise than the log about ${names.join(", ")}`;
  rebuild("services", reason).catch((error: unknown) => logger.error(inWords(error)));
}

function tellBoot({ afterKill, quarantined, unproven }: BootReport, logger: Logger): void {
  if (afterKill)
    logger.warn("the daemon before this one was killed: what it left is ended and started again");
  for (const { stream, seq, reason } of quarantined) {
    logger.error(
      { stream, seq },
      `quarantined: ${reason}. "replay --check" tells more; only delete is accepted`,
    );
  }
  for (const { service, pid } of unproven) {
    logger.error(
      { service },
      `process ${pid} may be of an earlier life of this service and nothing proves it: end it by hand, then the service starts`,
    );
  }
}

function peerUid(socket: object): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : peerCredentials(handle.fd).uid;
}
