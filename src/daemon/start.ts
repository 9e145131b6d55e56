import { join } from "node:path";
import { createApiServer } from "../api/server.ts";
import type { Logger } from "../base/logger.ts";
import { componentViews } from "../commands/components.ts";
import { serviceReads } from "../commands/read-services.ts";
import type { Loaded } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import { checkDefaultUser } from "../effects/admit.ts";
import { daemonVariables, fromDaemon } from "../effects/environment.ts";
import { createExec } from "../effects/exec.ts";
import { createZombie, lookAtProcess } from "../effects/zombie.ts";
import { logNameOf } from "../effects/life.ts";
import { machineBoot } from "../effects/identity.ts";
import { ownIds } from "../effects/user.ts";
import { runRetention } from "../journal/retention-runs.ts";
import { createTail } from "../journal/tail.ts";
import { boot, type Configured, openIncarnations } from "../runtime/boot.ts";
import { watchClock } from "../runtime/clock-watch.ts";
import { type Dispatcher, inWords } from "../runtime/dispatch.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { type Shutdown, shutdown } from "../runtime/shutdown.ts";
import { after } from "./after.ts";
import {
  admits,
  commandsOf,
  eventLog,
  mendServices,
  metricsSource,
  ourMachines,
  peerUid,
  projectionsOf,
  usageSource,
} from "./answers.ts";
import { watchFiles } from "./file-watch.ts";
import { MAIN, wantedServices } from "../api/configured.ts";
import { echo } from "./echo.ts";
import { type MainEnd, mainEnded, mainExitCode } from "./main-process.ts";
import { configOwner } from "./owner.ts";
import { environmentReadiness } from "./readiness.ts";
import { PastThread } from "./past.ts";
import { sessionsFile } from "./sessions-file.ts";
import { type Store, lockState, openStore } from "./open-store.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { statelyInspection } from "./stately.ts";
import { tellBoot, tellComponents } from "./tell.ts";

/** A daemon that runs. */
export interface Daemon {
  /** @param signal that told it, for the main process: by name, without SIG */
  shutdown(reason: string, signal?: string): Shutdown;
  /** How the main process ended, or will end next; absent: there is none. */
  mainEnd?: () => Promise<MainEnd>;
  /** What the process leaves with: the main process's exit code, else 0. */
  exitCode(): number;
  /** @throws AppError `service_not_running` */
  signalMain(signal: string): Promise<void>;
  /** Reads the configuration file again. @throws AppError where it cannot be taken: nothing is changed then */
  reload(actor: string): Promise<void>;
  close(): Promise<void>;
}

/** How long whoever reads our output may take for the last of it, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** A signal that the daemon got and passes on. */
const BY_SIGNAL = { actor: "runtime", full: true } as const;

/** Everything from the lock to the socket, in the order in which each needs the one before. */
export async function start(
  loaded: Loaded,
  reread: () => Loaded,
  logger: Logger,
  release: string,
): Promise<Daemon> {
  const { config, tokens } = loaded;
  wantedServices(config, process.env); // what is wrong with them is said before anything is touched
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
  dispatcher.listen((rows) => tellComponents(rows, dispatcher.view, logger));
  const read = serviceReads(db, registry, fold, () => dispatcher.lastSeq);
  if (!readOnly) mendServices(read, store, logger);
  const logFileOf = (name: string): string => logs.fileOf(logNameOf(`component/${name}`));
  const echoed = config.main && echo(logs, MAIN);
  const services = commandsOf(store, runtime, read);
  const owner = configOwner({
    dispatcher,
    loaded,
    reread,
    env: process.env,
    values: store.values,
    versions: store.reader,
    admits,
  });
  const events = eventLog(store, tail, config.stateDir);
  const { promise: booted, resolve: hasBooted } = Promise.withResolvers<void>();
  const past = new PastThread(config.stateDir, logger);
  const exec = createExec({
    surroundings: () => owner.now().exec,
    baseEnv: () => fromDaemon(daemonVariables(process.env), process.env),
    user: config.defaultUser,
    own: ownIds(),
    nofile: runtime.nofile,
    logger,
  });
  const api = createApiServer({
    services,
    configuration: owner,
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
    components: () => componentViews(dispatcher.view, store.clock, logFileOf),
    exec: {
      run: exec.run,
      readiness: environmentReadiness({
        dispatcher,
        hasMain: config.main !== undefined,
        maxWaitMs: config.apiMaxWaitMs,
        unready: () =>
          componentViews(dispatcher.view, store.clock, logFileOf)
            .filter(({ phase }) => phase !== "ready")
            .map(
              ({ name, phase, error }) =>
                `component ${name} is ${phase}${error === undefined ? "" : ` (${error})`}`,
            ),
      }),
    },
    ...(config.debug && { debug: { createZombie, check: lookAtProcess } }),
    browsers: sessionsFile(join(config.stateDir, "run/browsers.json")),
    version: release,
    unpack: () => join(config.stateDir, "unpacked"),
  });
  const listen = await api.listen(); // before anything is recorded: a socket that cannot be had must leave no trace
  const close = async (): Promise<void> => {
    await exec.close();
    await api.close();
    tail.close();
    await past.close();
    await dispatcher.idle();
    await logs.close();
    await echoed?.(LAST_WORDS_MS);
    await journal.close();
    children.close();
    lock.release();
  };
  if (readOnly) {
    hasBooted();
    logger.error(`${readOnly.message}. Services are left as they are`);
    return {
      shutdown: () => ({ finished: Promise.resolve([]), hurry: () => {} }),
      exitCode: () => 0,
      signalMain: () => Promise.reject(readOnly),
      reload: () => Promise.reject(readOnly),
      close,
    };
  }
  await begin(config, logs, runtime, owner.atBoot, release, logger);
  hasBooted();
  const endUpkeep = upkeep(config, store, dispatcher, logger);
  const endWatch = watchFiles(dispatcher, config.defaultDir, logger);
  const { socketPath: socket, stateDir: state, logDir } = config;
  logger.info({ socket, ...(listen && { listen }), state, logs: logDir }, "ready");

  return {
    shutdown: (reason, signal) => {
      exec.end();
      const ending = shutdown(dispatcher, processes, {
        reason,
        deadlineMs: config.shutdownTimeoutMs,
        ...(config.main && { first: { name: MAIN, ...(signal !== undefined && { signal }) } }),
        later: after,
      });
      return {
        finished: ending.finished,
        hurry: () => {
          ending.hurry();
          exec.hurry();
        },
      };
    },
    ...(config.main && { mainEnd: () => mainEnded(dispatcher) }),
    exitCode: () => (config.main ? mainExitCode(dispatcher) : 0),
    signalMain: (signal) => services.signal(MAIN, signal, BY_SIGNAL),
    reload: async (actor) => {
      const { components, steps, otherKeys } = await owner.reload({ actor });
      const changed = [...components, ...steps]
        .filter(({ action }) => action !== "same")
        .map(({ name }) => name);
      logger.info({ changed, otherKeys }, "the configuration was read again");
    },
    close: async () => {
      endUpkeep();
      endWatch();
      await close();
    },
  };
}

/** The boot, from what is left of the last daemon to the decision what to start. */
async function begin(
  { logDir }: Config,
  logs: Store["logs"],
  { dispatcher, fold, processes, registry }: Runtime,
  configured: Configured,
  release: string,
  logger: Logger,
): Promise<void> {
  await logs.discard(openIncarnations(registry).map(({ incarnation }) => incarnation));
  const facts = { machineBoot: machineBoot(), pid: process.pid, release, logDir };
  tellBoot(await boot(fold, registry, dispatcher, processes, facts, configured), logger);
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
