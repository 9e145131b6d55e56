import type { ServiceDefinition } from "../../machines/definition.ts";
import { stopOrder } from "../../machines/dependencies.ts";
import { needsOf, unready, waitingFor } from "../../machines/policies.ts";
import { hasProcess } from "../../machines/service-context.ts";
import { AppError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyClaim, SealedValue } from "../journal/journal.ts";
import type { LogLine } from "../logs/ports.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";
import { mustMatch, mustTakeWishes, notFound, runningDependents } from "./checks.ts";
import { define, type Definition, merged } from "./define.ts";
import type { EnvValues } from "./env-values.ts";
import type { Keys } from "./keys.ts";
import { logReply } from "./log-reply.ts";
import type {
  Caller,
  RequestedDefinition,
  ServiceCommands,
  ServiceView,
  StreamLine,
} from "./ports.ts";
import { removalOf, removeService } from "./remove.ts";
import { type KeptVersions, rollback } from "./rollback.ts";
import { StartWatch, StopWatch } from "./streams.ts";
import { viewOf } from "./views.ts";
import type { StreamPorts } from "./watch.ts";

interface ServiceCommandPorts extends StreamPorts {
  dispatcher: Dispatcher;
  clock: Clock;
  values: EnvValues;
  keys: Keys;
  /** The read model. */
  read: { all: () => ServiceRow[]; byName: (name: string) => ServiceRow | undefined };
  /** Refuses what this machine or this daemon could not start as it stands: who it runs as, and variables of the daemon's. @throws AppError */
  admits: (asked: Asked) => Promise<void>;
  /** Earlier definitions. */
  versions: KeptVersions;
  /** The last lines of a service (all that is kept: undefined), then, until the signal, those that come. */
  logLines: (
    name: string,
    lines: number | undefined,
    follow: AbortSignal | undefined,
  ) => AsyncIterable<LogLine>;
  /** Ends what is provably of a quarantined service, and gives its stream up. */
  retire: (name: string, actor: string) => Promise<void>;
}

/** What no service starts before, in words. */
const componentsBefore = (view: RuntimeView): string[] =>
  unready(view).map((name) => `component ${name}`);

type Asked = Pick<RequestedDefinition, "user" | "group" | "env">;
type Decide = (view: RuntimeView) => Fact[];
type Lines = AsyncIterable<StreamLine>;
type Claim = Omit<KeyClaim, "eventId"> | undefined;

/** What may be asked of services: checks the request over the actors as they are when its turn comes, then dispatches. */
export function serviceCommands(ports: ServiceCommandPorts): ServiceCommands {
  const { dispatcher, clock, values, read } = ports;

  const show = (row: ServiceRow, full: boolean): ServiceView => {
    const envValues = full ? opened(values, row.context.definition) : undefined;
    const view = viewOf(row, read.byName, clock, ports.logs.fileOf(row.name));
    const before = row.phase === "pending" ? componentsBefore(dispatcher.view) : [];
    return {
      ...view,
      waitingFor: [...before, ...view.waitingFor],
      ...(envValues && { envValues }),
    };
  };
  const existing = (name: string): ServiceRow => {
    const row = read.byName(name);
    if (!row) throw notFound(name);
    return row;
  };
  const completed = (name: string): StreamLine => ({
    type: "complete",
    logFile: ports.logs.fileOf(name),
    time: ports.wall(),
  });

  /** Dispatches a command whose outcome is followed as lines, once for each idempotency key; so is what comes before it. */
  const followed = (
    name: string,
    caller: Caller,
    watch: () => StartWatch | StopWatch,
    decide: Decide,
    sealed: SealedValue[] = [],
    before?: () => Promise<void>,
  ): Promise<Lines> => {
    const run = async (claim: Claim): Promise<Lines> => {
      if (before) await before();
      const watching = watch();
      try {
        const rows = await dispatcher.command({
          actor: caller.actor,
          decide,
          sealed,
          ...(claim && { claim }),
        });
        watching.begin(rows);
        return watching.lines;
      } catch (error) {
        watching.abandon();
        throw error;
      }
    };
    return ports.keys.once(caller, run, () => ({ ...completed(name), ...REPEATED }));
  };

  const starting = (name: string, durationMs: number) => () =>
    new StartWatch(name, ports, durationMs, {
      waiting: () => {
        const service = dispatcher.view.service(name);
        if (service?.context.unprovenPid !== undefined)
          return [`process ${service.context.unprovenPid}`];
        return service
          ? [...componentsBefore(dispatcher.view), ...waitingFor(service.context, dispatcher.view)]
          : [];
      },
      error: () => dispatcher.view.service(name)?.context.error,
    });

  const defined = (
    definition: Definition,
    asked: Asked,
    durationMs: number,
    caller: Caller,
  ): Promise<Lines> => {
    const sealed: SealedValue[] = [];
    const { name } = definition;
    const decide = define(definition, caller.ifMatch, values, sealed);
    const admitted = isOfTheMachine(asked) ? () => ports.admits(asked) : undefined;
    return followed(name, caller, starting(name, durationMs), decide, sealed, admitted);
  };

  const stopped = (
    name: string,
    timeoutMs: number | undefined,
    caller: Caller,
    dependents?: () => readonly string[],
  ): Promise<Lines> => {
    const open = () => dispatcher.view.service(name)?.context.open?.id;
    const first: string[] = [];
    const watch = () => new StopWatch(name, ports, open, first);
    const before =
      dependents &&
      (async (): Promise<void> => {
        for (const dependent of dependents()) {
          const { key: _, ifMatch: __, ...who } = caller; // those are of the service that was asked for
          await toEnd(await stopped(dependent, timeoutMs, who), dependent);
          first.push(dependent);
        }
      });
    return followed(name, caller, watch, stop(name, timeoutMs, caller.ifMatch), [], before);
  };
  return {
    list: () => read.all().map((row) => show(row, false)),
    get: (name, { full }) => show(existing(name), full),
    put: (name, definition, durationMs, caller) =>
      defined({ name, start: true, wanted: () => definition }, definition, durationMs, caller),
    update: (name, change, durationMs, caller) => {
      const wanted = (old: ServiceDefinition | undefined) =>
        merged(old ?? { cmd: "" }, change, values);
      const { user, group, env } = change;
      const asked = { ...(user && { user }), ...(group && { group }), ...(env && { env }) };
      return defined({ name, start: false, wanted }, asked, durationMs, caller);
    },
    rollback: (name, version, durationMs, caller) =>
      followed(
        name,
        caller,
        starting(name, durationMs),
        rollback(name, version, caller.ifMatch, ports.versions),
      ),
    start: (name, durationMs, caller) =>
      followed(
        name,
        caller,
        starting(name, durationMs),
        wish(name, caller, { type: "service.start_requested" }),
      ),
    restart: (name, durationMs, timeoutMs, caller) => {
      const event = {
        type: "service.restart_requested",
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      return followed(name, caller, starting(name, durationMs), wish(name, caller, event));
    },
    stop: (name, { timeoutMs, withDependents }, caller) => {
      const dependents = withDependents ? () => liveDependents(dispatcher.view, name) : undefined;
      return stopped(name, timeoutMs, caller, dependents);
    },
    remove: async (name, caller) => {
      const run = async (claim: Claim): Promise<Lines> => {
        await removeService(ports, name, caller, claim);
        return just(completed(name));
      };
      await toEnd(await ports.keys.once(caller, run, () => completed(name)), name);
      if (caller.key) await removalOf(ports, name); // the reply of the first one may have been lost before its end
    },
    signal: async (name, signal, caller) => {
      const run = async (claim: Claim): Promise<Lines> => {
        await dispatcher.command({
          actor: caller.actor,
          decide: signalled(name, signal, caller.ifMatch),
          ...(claim && { claim }),
        });
        return just(completed(name));
      };
      await toEnd(await ports.keys.once(caller, run, () => completed(name)), name);
    },
    logs: async (name, { lines, followMs }) => {
      existing(name);
      const follow = followMs > 0 ? new AbortController() : undefined;
      const end = () => follow?.abort();
      const cancel = followMs > 0 && followMs < Infinity ? ports.after(followMs, end) : () => {};
      const leave = () => {
        cancel();
        end();
      };
      return logReply(ports.logLines(name, lines, follow?.signal), leave, () => completed(name));
    },
  };
}

/** Whether the machine has to be asked, which takes a moment that other commands need not wait for. */
const isOfTheMachine = ({ user, group, env = {} }: Asked): boolean =>
  user !== undefined ||
  group !== undefined ||
  Object.values(env).some((value) => typeof value !== "string");

const REPEATED = { message: "this request was carried out before: get shows what came of it" };

const wish =
  (name: string, { ifMatch }: Caller, event: Fact["event"]): Decide =>
  (view) => {
    mustTakeWishes(view, name);
    mustMatch(view, name, ifMatch);
    return [{ stream: `service/${name}`, event }];
  };

const stop =
  (name: string, timeoutMs: number | undefined, ifMatch: Caller["ifMatch"]): Decide =>
  (view) => {
    mustTakeWishes(view, name);
    mustMatch(view, name, ifMatch);
    mustNotBeNeeded(view, name);
    const service = view.service(name);
    if (service?.phase === "stopped" && service.context.desired === "stopped") {
      throw new AppError("service_stopped", `service "${name}" is stopped already`);
    }
    const event = { type: "service.stop_requested", ...(timeoutMs !== undefined && { timeoutMs }) };
    return [{ stream: `service/${name}`, event }];
  };

const signalled =
  (name: string, signal: string, ifMatch: Caller["ifMatch"]): Decide =>
  (view) => {
    mustTakeWishes(view, name);
    mustMatch(view, name, ifMatch);
    const context = view.service(name)?.context;
    if (!context || !hasProcess(context)) {
      throw new AppError(
        "service_not_running",
        `service "${name}" is not running: there is nothing to signal`,
      );
    }
    return [{ stream: `service/${name}`, event: { type: "service.signal_requested", signal } }];
  };

function mustNotBeNeeded(view: RuntimeView, name: string): void {
  const [dependent] = runningDependents(view, name);
  if (dependent === undefined) return;
  const message = `cannot stop service ${name}: service ${dependent} depends on it and is running (--with-dependents stops it first)`;
  throw new AppError("service_needed", message, { details: { service: dependent } });
}

/** All that needs a service and is not stopped, in the order in which to stop. */
function liveDependents(view: RuntimeView, name: string): string[] {
  return stopOrder(name, needsOf(view)).filter((other) => {
    const service = view.service(other);
    return service && !(service.phase === "stopped" && service.context.desired === "stopped");
  });
}

async function* just(line: StreamLine): AsyncGenerator<StreamLine> {
  yield line;
}

/** Reads a reply to its end. @throws AppError what an error line said */
async function toEnd(lines: Lines, name: string): Promise<void> {
  for await (const line of lines) {
    if (line.type === "error") throw new AppError(line.code ?? "internal", `${name}: ${line.data}`);
  }
}

/** Values of a definition's variables; undefined where they cannot be opened: the names are all there is to show, then. */
function opened(values: EnvValues, definition: ServiceDefinition): ServiceView["envValues"] {
  try {
    return values.open(definition.env ?? {});
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
