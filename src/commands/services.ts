import { resolved, type ServiceDefinition } from "../../machines/definition.ts";
import { stopOrder } from "../../machines/dependencies.ts";
import { waitingFor } from "../../machines/policies.ts";
import { hasProcess } from "../../machines/service-context.ts";
import { AppError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyClaim, SealedValue } from "../journal/journal.ts";
import type { LogLine } from "../logs/ports.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { Fact, RuntimeView } from "../runtime/group.ts";
import {
  mustBeOnlyHttpPort,
  mustBeOpen,
  mustHaveGoodNeeds,
  mustMatch,
  mustTakeWishes,
  notFound,
  runningDependents,
} from "./checks.ts";
import type { EnvValues } from "./env-values.ts";
import type { Keys } from "./keys.ts";
import type {
  Caller,
  RequestedDefinition,
  ServiceCommands,
  ServiceView,
  StreamLine,
} from "./ports.ts";
import { removeService } from "./remove.ts";
import { StartWatch, StopWatch, type StreamPorts } from "./streams.ts";
import { viewOf } from "./views.ts";

export interface ServiceCommandPorts extends StreamPorts {
  dispatcher: Dispatcher;
  clock: Clock;
  values: EnvValues;
  keys: Keys;
  /** The read model. */
  read: { all(): ServiceRow[]; byName(name: string): ServiceRow | undefined };
  /** The last lines of a service (all that is kept: undefined), then, until the signal, those that come. */
  logLines: (
    name: string,
    lines: number | undefined,
    follow: AbortSignal | undefined,
  ) => AsyncIterable<LogLine>;
  /** Ends what is provably of a quarantined service, and gives its stream up. */
  retire: (name: string, actor: string) => Promise<void>;
}

type Decide = (view: RuntimeView) => Fact[];
type Lines = AsyncIterable<StreamLine>;

const streamOf = (name: string): string => `service/${name}`;

/** What may be asked of services: checks the request over the actors as they are when its turn comes, then dispatches. */
export function serviceCommands(ports: ServiceCommandPorts): ServiceCommands {
  const { dispatcher, clock, values, read } = ports;

  const show = (row: ServiceRow, caller: Caller): ServiceView => ({
    ...viewOf(row, read.byName, clock, ports.logs.fileOf(row.name)),
    ...(caller.full && { envValues: openedOrNone(values, row.context.definition) }),
  });
  const byName = (name: string): ServiceRow => {
    const row = read.byName(name);
    if (!row) throw notFound(name);
    return row;
  };

  /** Dispatches a command whose outcome is followed as lines, once for each idempotency key. */
  const followed = (
    name: string,
    caller: Caller,
    watch: () => StartWatch | StopWatch,
    decide: Decide,
    sealed: SealedValue[] = [],
  ): Promise<Lines> => {
    const run = async (claim: Omit<KeyClaim, "eventId"> | undefined): Promise<Lines> => {
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
    const repeat = (): StreamLine => ({
      type: "complete",
      message:
        "this request was carried out before; the service is now in the state that get shows",
      logFile: ports.logs.fileOf(name),
      time: ports.wall(),
    });
    return ports.keys.once(caller, run, repeat);
  };

  const starting = (name: string, durationMs: number) => () =>
    new StartWatch(name, ports, durationMs, () => {
      const service = dispatcher.view.service(name);
      if (service?.context.unprovenPid !== undefined)
        return [`process ${service.context.unprovenPid}`];
      return service ? waitingFor(service.context, dispatcher.view) : [];
    });

  /** Stores a definition: as it is asked for, or as a change of the one there is. */
  const define = (
    name: string,
    durationMs: number,
    caller: Caller,
    start: boolean,
    wanted: (old: ServiceDefinition | undefined) => RequestedDefinition,
  ): Promise<Lines> => {
    const sealed: SealedValue[] = [];
    const decide: Decide = (view) => {
      mustBeOpen(view);
      mustMatch(view, name, caller.ifMatch);
      const existing = view.service(name);
      if (existing || view.quarantined(name) !== undefined || !start) mustTakeWishes(view, name);
      const old = existing?.context.definition;
      const { env, ...rest } = wanted(old);
      mustHaveGoodNeeds(view, name, rest);
      mustBeOnlyHttpPort(view, name, rest);
      const kept = values.seal(env ?? {}, old?.env ?? {});
      sealed.push(...kept.sealed);
      const definition: ServiceDefinition = { ...rest, ...(env && { env: kept.references }) };
      const stream = streamOf(name);
      const version = view.nextVersion(name);
      if (!existing) return [{ stream, event: { type: "service.created", definition, version } }];
      if (!isSame(old, definition)) {
        return [{ stream, event: { type: "service.changed", definition, version, start } }];
      }
      const isUp = existing.phase === "running" || existing.phase === "starting";
      return isUp || !start ? [] : [{ stream, event: { type: "service.start_requested" } }];
    };
    return followed(name, caller, starting(name, durationMs), decide, sealed);
  };

  const wish =
    (name: string, event: Fact["event"]): Decide =>
    (view) => {
      mustTakeWishes(view, name);
      return [{ stream: streamOf(name), event }];
    };

  const stop = async (
    name: string,
    timeoutMs: number | undefined,
    caller: Caller,
  ): Promise<Lines> => {
    const event = { type: "service.stop_requested", ...(timeoutMs !== undefined && { timeoutMs }) };
    const open = () => dispatcher.view.service(name)?.context.open?.id;
    return followed(
      name,
      caller,
      () => new StopWatch(name, ports, open),
      (view) => {
        mustTakeWishes(view, name);
        mustNotBeNeeded(view, name);
        const service = view.service(name);
        if (service?.phase === "stopped" && service.context.desired === "stopped") {
          throw new AppError("service_stopped", `service "${name}" is stopped already`);
        }
        return [{ stream: streamOf(name), event }];
      },
    );
  };

  return {
    list: (caller) => read.all().map((row) => show(row, { ...caller, full: false })),
    get: (name, caller) => show(byName(name), caller),
    put: (name, definition, durationMs, caller) =>
      define(name, durationMs, caller, true, () => definition),
    update: (name, change, durationMs, caller) =>
      define(name, durationMs, caller, false, (old) => merged(old ?? { cmd: "" }, change, values)),
    start: (name, durationMs, caller) =>
      followed(
        name,
        caller,
        starting(name, durationMs),
        wish(name, { type: "service.start_requested" }),
      ),
    restart: (name, durationMs, timeoutMs, caller) => {
      const event = {
        type: "service.restart_requested",
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      return followed(name, caller, starting(name, durationMs), wish(name, event));
    },
    stop: async (name, { timeoutMs, withDependents }, caller) => {
      byName(name);
      for (const dependent of withDependents ? liveDependents(dispatcher.view, name) : []) {
        const { key: _, ...rest } = caller;
        await read_(await stop(dependent, timeoutMs, rest), dependent);
      }
      return stop(name, timeoutMs, caller);
    },
    remove: (name, caller) => removeService(ports, name, caller),
    signal: async (name, signal, caller) => {
      const run = async (claim: Omit<KeyClaim, "eventId"> | undefined): Promise<Lines> => {
        await dispatcher.command({
          actor: caller.actor,
          ...(claim && { claim }),
          decide: (view) => {
            mustTakeWishes(view, name);
            const context = view.service(name)?.context;
            if (!context || !hasProcess(context)) {
              throw new AppError(
                "service_not_running",
                `service "${name}" is not running: there is nothing to signal`,
              );
            }
            return [
              { stream: streamOf(name), event: { type: "service.signal_requested", signal } },
            ];
          },
        });
        return none();
      };
      const done = (): StreamLine => ({
        type: "complete",
        logFile: ports.logs.fileOf(name),
        time: ports.wall(),
      });
      await read_(await ports.keys.once(caller, run, done), name);
    },
    logs: async (name, { lines, followMs }) => {
      byName(name);
      const follow = followMs > 0 ? new AbortController() : undefined;
      const cancel =
        follow && followMs < Infinity ? ports.after(followMs, () => follow.abort()) : () => {};
      return logLinesOf(ports, name, lines, follow, cancel);
    },
  };
}

/** Lines of a log as lines of a reply. A reader that leaves while none comes is let go at once. */
function logLinesOf(
  ports: ServiceCommandPorts,
  name: string,
  lines: number | undefined,
  follow: AbortController | undefined,
  cancel: () => void,
): Lines {
  const source = ports.logLines(name, lines, follow?.signal)[Symbol.asyncIterator]();
  let completed = false;
  return {
    [Symbol.asyncIterator]: () => ({
      next: async (): Promise<IteratorResult<StreamLine, undefined>> => {
        const item = completed ? undefined : await source.next();
        if (item && item.done !== true) {
          const { stream: type, text, time } = item.value;
          return { done: false, value: { type, data: `${text}\n`, time } };
        }
        if (completed) return { done: true, value: undefined };
        completed = true;
        return {
          done: false,
          value: { type: "complete", logFile: ports.logs.fileOf(name), time: ports.wall() },
        };
      },
      return: async () => {
        cancel();
        follow?.abort();
        await source.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* none(): AsyncGenerator<StreamLine> {}

/** Reads a reply to its end. @throws AppError what an error line said */
async function read_(lines: Lines, name: string): Promise<void> {
  for await (const line of lines) {
    if (line.type === "error") throw new AppError(line.code ?? "internal", `${name}: ${line.data}`);
  }
}

const liveDependents = (view: RuntimeView, name: string): string[] => {
  const needs = Object.fromEntries(
    [...view.services()].map(([other, { context }]) => [other, resolved(context.definition).needs]),
  );
  return stopOrder(name, needs).filter((other) => {
    const service = view.service(other);
    return service && !(service.phase === "stopped" && service.context.desired === "stopped");
  });
};

function mustNotBeNeeded(view: RuntimeView, name: string): void {
  const [dependent] = runningDependents(view, name);
  if (dependent === undefined) return;
  const message = `cannot stop service ${name}: service ${dependent} depends on it and is running (--with-dependents stops it first)`;
  throw new AppError("service_needed", message, { details: { service: dependent } });
}

function openedOrNone(
  values: EnvValues,
  definition: ServiceDefinition,
): { readonly [name: string]: string } {
  try {
    return values.open(definition.env ?? {});
  } catch (error) {
    if (error instanceof AppError) return {}; // without the key the names are all there is to show
    throw error;
  }
}

/** A definition with some fields changed; null removes one. */
function merged(
  old: ServiceDefinition,
  change: { readonly [field: string]: unknown },
  values: EnvValues,
): RequestedDefinition {
  const env = old.env && change["env"] === undefined ? values.open(old.env) : undefined;
  const fields = Object.entries({ ...old, ...(env && { env }), ...change });
  return Object.fromEntries(
    fields.filter(([, value]) => value !== null && value !== undefined),
  ) as unknown as RequestedDefinition;
}

const isSame = (old: ServiceDefinition | undefined, other: ServiceDefinition): boolean =>
  JSON.stringify(sorted(resolvedForCompare(old))) ===
  JSON.stringify(sorted(resolvedForCompare(other)));

const resolvedForCompare = (definition: ServiceDefinition | undefined): unknown =>
  definition && resolved(definition);

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
};
