import { join } from "node:path";
import { createApiServer } from "../api/server.ts";
import type { Logger } from "../base/logger.ts";
import { serviceReads } from "../commands/read-services.ts";
import type { Config } from "../config/schema.ts";
import type { ApiToken } from "../config/tokens.ts";
import { checkDefaultUser } from "../effects/admit.ts";
import { machineBoot } from "../effects/identity.ts";
import { ownIds } from "../effects/user.ts";
import { runRetention } from "../journal/retention-runs.ts";
import { createTail } from "../journal/tail.ts";
import { boot, openIncarnations } from "../runtime/boot.ts";
import { watchClock } from "../runtime/clock-watch.ts";
import { type Dispatcher, inWords } from "../runtime/dispatch.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { type Shutdown, shutdown } from "../runtime/shutdown.ts";
import { after } from "./after.ts";
import {
  commandsOf,
  eventLog,
  mendServices,
  metricsSource,
  ourMachines,
  peerUid,
  projectionsOf,
  usageSource,
} from "./answers.ts";
import { PastThread } from "./past.ts";
import { sessionsFile } from "./sessions-file.ts";
import { type Store, lockState, openStore } from "./open-store.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { statelyInspection } from "./stately.ts";
import { tellBoot } from "./tell.ts";

/** A daemon that runs. */
export interface Daemon {
  shutdown(reason: string): Shutdown;
  close(): Promise<void>;
}

/** Everything from the lock to the socket, in the order in which each needs the one before. */
export async function start(
  config: Config,
  tokens: readonly ApiToken[],
  logger: Logger,
  release: string,
): Promise<Daemon> {
  await checkDefaultUser(config.defaultUser, ownIds());
  const lock = await lockState(config, release);
  const store = await openStore(config, logger);
  const { db, journal, logs, readOnly } = store;
  const { inspectStately } = config;
  const inspect =
    inspectStately === undefined ? undefined : await statelyInspection(inspectStately, logger);
  const runtime = startRuntime(config, logger, store, inspect);
  const { children, dispatcher, processes, registry, fold } = runtime;
  const tail = createTail();
  dispatcher.listen((rows) => tail.publish(rows));
  const read = serviceReads(db, registry, fold, () => dispatcher.lastSeq);
  if (!readOnly) mendServices(read, store, logger);
  const services = commandsOf(store, runtime, read);
  const events = eventLog(store, tail, config.stateDir);
  const { promise: booted, resolve: hasBooted } = Promise.withResolvers<void>();
  const past = new PastThread(config.stateDir, logger);
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
    past,
    machines: ourMachines,
    usage: usageSource(dispatcher),
    browsers: sessionsFile(join(config.stateDir, "run/browsers.json")),
    version: release,
    unpack: () => join(config.stateDir, "unpacked"),
  });
  const listen = await api.listen(); // before anything is recorded: a socket that cannot be had must leave no trace
  const close = async (): Promise<void> => {
    await api.close();
    tail.close();
    await past.close();
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
  await begin(config, logs, runtime, release, logger);
  hasBooted();
  const endUpkeep = upkeep(config, store, dispatcher, logger);
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
      endUpkeep();
      await close();
    },
  };
}

/** The boot, from what is left of the last daemon to the decision what to start. */
async function begin(
  { logDir }: Config,
  logs: Store["logs"],
  { dispatcher, fold, processes, registry }: Runtime,
  release: string,
  logger: Logger,
): Promise<void> {
  await logs.discard(openIncarnations(registry).map(({ incarnation }) => incarnation));
  const facts = { machineBoot: machineBoot(), pid: process.pid, release, logDir };
  tellBoot(await boot(fold, registry, dispatcher, processes, facts), logger);
  await dispatcher.command({
    actor: "runtime",
    decide: () => [{ stream: ENVIRONMENT, event: { type: "environment.ready_reached" } }],
  });
}

/** What goes on beside the work: the clock is watched, and the log is kept within its bounds. Returns the way to end it. */
function upkeep(config: Config, store: Store, dispatcher: Dispatcher, logger: Logger): () => void {
  const { clock } = store;
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
  return () => {
    unwatch();
    endRetention();
  };
}
