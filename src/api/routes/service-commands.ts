import type { FastifyInstance } from "fastify";
import { parseDuration } from "../../base/duration.ts";
import type { LogOptions } from "../../commands/ports.ts";
import { onlyMethods } from "../methods.ts";
import * as schemas from "../schemas.ts";
import { signalName } from "../signals.ts";
import {
  commandSchema,
  commandStream,
  streamReplies,
  watchMs,
  type Named,
  type ServiceRoutesOptions,
} from "./command-stream.ts";

const logsSchema = {
  params: schemas.nameParams,
  querystring: schemas.logsQuery,
  response: streamReplies,
} as const;

/** `follow` without a duration goes on until the reader leaves; `follow=false` wins over a duration. */
function logOptions({ lines, duration, follow }: schemas.LogsQuery): LogOptions {
  const standard = follow ? Infinity : 0;
  const isGiven = duration !== undefined && follow !== false;
  const followMs = isGiven ? parseDuration(duration, "duration") : standard;
  return { ...(lines !== undefined && { lines }), followMs };
}

const stopTimeout = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseDuration(text, "timeout");

/** What is done with a service that is there: start, restart, rollback, stop, signal, and its logs. */
export const serviceCommandRoutes =
  (options: ServiceRoutesOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    startRoutes(app, options);
    rollbackRoute(app, options);
    stopRoute(app, options);
    signalRoute(app, options);
    logsRoute(app, options);
    for (const verb of ["start", "restart", "rollback", "stop"]) {
      onlyMethods(app, `/services/:name/${verb}`, ["POST"]);
    }
    onlyMethods(app, "/services/:name/logs", ["GET"]);
  };

function startRoutes(app: FastifyInstance, options: ServiceRoutesOptions): void {
  const { services } = options;
  const stream = commandStream(options);

  app.post<Named & { Querystring: schemas.StartQuery }>(
    "/services/:name/start",
    { schema: commandSchema(schemas.startQuery) },
    async (request, reply) => {
      const { name } = request.params;
      const durationMs = watchMs(request.query.duration);
      await stream(request, reply, (caller) => services.start(name, durationMs, caller));
    },
  );

  app.post<Named & { Querystring: schemas.RestartQuery }>(
    "/services/:name/restart",
    { schema: commandSchema(schemas.restartQuery) },
    async (request, reply) => {
      const { name } = request.params;
      const durationMs = watchMs(request.query.duration);
      const timeoutMs = stopTimeout(request.query.timeout);
      await stream(request, reply, (caller) =>
        services.restart(name, durationMs, timeoutMs, caller),
      );
    },
  );
}

function rollbackRoute(app: FastifyInstance, options: ServiceRoutesOptions): void {
  const stream = commandStream(options);
  app.post<Named & { Querystring: schemas.RollbackQuery }>(
    "/services/:name/rollback",
    { schema: commandSchema(schemas.rollbackQuery) },
    async (request, reply) => {
      const { name } = request.params;
      const { version, duration } = request.query;
      const durationMs = watchMs(duration);
      await stream(request, reply, (caller) =>
        options.services.rollback(name, version, durationMs, caller),
      );
    },
  );
}

function stopRoute(app: FastifyInstance, options: ServiceRoutesOptions): void {
  const stream = commandStream(options);
  app.post<Named & { Querystring: schemas.StopQuery }>(
    "/services/:name/stop",
    { schema: commandSchema(schemas.stopQuery) },
    async (request, reply) => {
      const { timeout, with_dependents: withDependents = false } = request.query;
      const timeoutMs = stopTimeout(timeout);
      const how = { ...(timeoutMs !== undefined && { timeoutMs }), withDependents };
      const { name } = request.params;
      await stream(request, reply, (caller) => options.services.stop(name, how, caller));
    },
  );
}

function signalRoute(app: FastifyInstance, { services, callerOf }: ServiceRoutesOptions): void {
  app.post<{ Body: schemas.SignalBody }>(
    "/services/signal",
    { schema: { body: schemas.signalBody, querystring: schemas.noQuery } },
    async (request, reply) => {
      const { name, signal } = request.body;
      await services.signal(name, signalName(signal), callerOf(request));
      return reply.code(204).send();
    },
  );
}

function logsRoute(app: FastifyInstance, options: ServiceRoutesOptions): void {
  const stream = commandStream(options);
  app.get<Named & { Querystring: schemas.LogsQuery }>(
    "/services/:name/logs",
    { exposeHeadRoute: false, schema: logsSchema },
    async (request, reply) => {
      const how = logOptions(request.query);
      const { name } = request.params;
      await stream(request, reply, (caller) => options.services.logs(name, how, caller));
    },
  );
}
