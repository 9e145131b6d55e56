import { machines } from "../../machines/index.ts";
import type { EventLog } from "../api/feed/feed.ts";
import type { MetricsSource } from "../api/metrics/source.ts";
import type { Projections } from "../api/routes/projections.ts";
import type { MachineTold } from "../api/routes/machines.ts";
import type { UsageSource } from "../api/routes/usage.ts";
import type { Logger } from "../base/logger.ts";
import { serviceGauges } from "../commands/gauges.ts";
import { keys } from "../commands/keys.ts";
import { logLines } from "../commands/log-lines.ts";
import type { ServiceCommands } from "../commands/ports.ts";
import type { ServiceReads } from "../commands/read-services.ts";
import { retireService } from "../commands/retire.ts";
import { serviceCommands } from "../commands/services.ts";
import type { Config } from "../config/config.ts";
import { graphOf } from "../diagram/graph.ts";
import { admit } from "../effects/admit.ts";
import { usageOf } from "../effects/usage.ts";
import { ownIds } from "../effects/user.ts";
import { eventPages } from "../journal/event-pages.ts";
import { storeBytes } from "../journal/store-size.ts";
import type { Tail } from "../journal/tail.ts";
import { boottimeMs, peerCredentials } from "../posix/calls.ts";
import { headOf } from "../projections/heads.ts";
import { projections } from "../projections/index.ts";
import { type Dispatcher, inWords } from "../runtime/dispatch.ts";
import { after } from "./after.ts";
import type { Store } from "./open-store.ts";
import type { Runtime } from "./runtime.ts";

export const eventLog = (
  { db, reader }: Pick<Store, "db" | "reader">,
  tail: Tail,
  stateDir: string,
): EventLog => ({
  ...eventPages(db),
  head: () => ({ ...reader.head(), stateDir }),
  firstSeq: () => reader.firstSeq(),
  subscribe: () => tail.subscribe(),
});

export const metricsSource = (
  { stateDir }: Config,
  { commits, reader }: Pick<Store, "commits" | "reader">,
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

export const projectionsOf = ({ db, rebuild }: Pick<Store, "db" | "rebuild">): Projections => ({
  states: () =>
    projections.flatMap(({ name }) => {
      const { version = 0, seq = 0, stale } = headOf(db, name) ?? {};
      return [{ name, version, seq, ...(typeof stale === "string" && { stale }) }];
    }),
  rebuild: (name) => rebuild(name, "somebody asked for it"),
});

/** The machines as graphs: they are what they are while the daemon runs. */
export const ourMachines = (): MachineTold[] =>
  Object.entries(machines).map(([kind, { machine, version }]) => ({
    kind,
    version,
    graph: graphOf(machine, version),
  }));

export const usageSource = (dispatcher: Pick<Dispatcher, "view">): UsageSource =>
  usageOf(
    () =>
      new Map(
        [...dispatcher.view.services()].flatMap(([name, { context }]) =>
          context.open?.pid === undefined || context.open.exited ? [] : [[name, context.open.pid]],
        ),
      ),
    boottimeMs,
  );

export function peerUid(socket: object): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : peerCredentials(handle.fd).uid;
}

/** Refuses what this machine or this daemon could not start as it stands. */
export const admits = (asked: Parameters<typeof admit>[0]): Promise<void> =>
  admit(asked, ownIds(), process.env);

/** What may be asked of services. Each part is handed what it needs. */
export function commandsOf(
  { clock, journal, logs, reader, readOnly, values }: Store,
  { dispatcher, processes, registry }: Runtime,
  read: ServiceReads,
): ServiceCommands {
  const { byName } = read;
  const retiring = { dispatcher, registry, processes, after, rows: reader, byName };
  return serviceCommands({
    dispatcher,
    clock,
    values,
    logs,
    wall: clock.wall,
    after,
    keys: keys({ reader, journal, clock, lastSeq: () => dispatcher.lastSeq }),
    read,
    admits,
    versions: reader,
    logLines: (name, lines, until) => logLines(logs, name, lines, until),
    retire: (name, actor) =>
      readOnly ? Promise.reject(readOnly) : retireService(retiring, name, actor),
  });
}

/** A read model that was changed by hand, or by a bug, is found before anybody is answered from it. */
export function mendServices(
  { wrong }: ServiceReads,
  { rebuild }: Pick<Store, "rebuild">,
  logger: Logger,
): void {
  const names = wrong();
  if (names.length === 0) return;
  const reason = `it says otherwise than the log about ${names.join(", ")}`;
  rebuild("services", reason).catch((error: unknown) => logger.error(inWords(error)));
}
