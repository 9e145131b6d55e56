import type { FastifyInstance } from "fastify";
import { toChange, toDefinition } from "../definition-wire.ts";
import { onlyMethods } from "../methods.ts";
import { refuseArgumentsInCmd } from "../program-hint.ts";
import { badField } from "../refuse.ts";
import * as schemas from "../schemas.ts";
import { serviceList, serviceView } from "../view-schemas.ts";
import { listedServices, oneService } from "../wire.ts";
import {
  commandStream,
  streamReplies,
  watchMs,
  type Named,
  type ServiceRoutesOptions,
} from "./command-stream.ts";

const putSchema = {
  params: schemas.nameParams,
  body: schemas.definitionBody,
  querystring: schemas.putQuery,
  response: streamReplies,
} as const;

const patchSchema = {
  params: schemas.nameParams,
  body: schemas.changeBody,
  querystring: schemas.startQuery,
  response: streamReplies,
} as const;

/** PUT takes `timeout` as another name of `duration`. */
function putMs({ duration, timeout }: schemas.PutQuery): number {
  if (duration !== undefined && timeout !== undefined && duration !== timeout) {
    throw badField("timeout", timeout, `the same as duration (${duration}), or only one of them`);
  }
  return duration === undefined ? watchMs(timeout, "timeout") : watchMs(duration);
}

/** Definitions of services: list, get, put, patch, delete. */
export const serviceRoutes =
  (options: ServiceRoutesOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    readRoutes(app, options);
    writeRoutes(app, options);
    onlyMethods(app, "/services", ["GET", "HEAD"]);
    onlyMethods(app, "/services/:name", ["GET", "HEAD", "PUT", "PATCH", "DELETE"]);
  };

/** A label of a query, whose schema says that there is a `=`. */
function labelOf(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

function readRoutes(app: FastifyInstance, { services, callerOf }: ServiceRoutesOptions): void {
  app.get<{ Querystring: schemas.ListQuery }>(
    "/services",
    { schema: { querystring: schemas.listQuery, response: { 200: serviceList } } },
    async (request) => {
      const labels = [request.query.label ?? []].flat().map(labelOf);
      const names =
        request.query.names === undefined ? undefined : new Set(request.query.names.split(","));
      const chosen = services
        .list(callerOf(request))
        .filter(
          ({ name, definition }) =>
            names?.has(name) !== false &&
            labels.every(([label, value]) => definition.labels?.[label] === value),
        );
      return listedServices(chosen);
    },
  );

  app.get<Named>(
    "/services/:name",
    {
      schema: {
        params: schemas.nameParams,
        querystring: schemas.noQuery,
        response: { 200: serviceView },
      },
    },
    async (request, reply) => {
      const view = services.get(request.params.name, callerOf(request));
      void reply.header("etag", `"${view.version}"`);
      return oneService(view);
    },
  );
}

function writeRoutes(app: FastifyInstance, options: ServiceRoutesOptions): void {
  const { services, callerOf, defaultDir } = options;
  const stream = commandStream(options);
  const searchPath = process.env["PATH"] ?? "";

  app.put<Named & { Body: schemas.DefinitionBody; Querystring: schemas.PutQuery }>(
    "/services/:name",
    { schema: putSchema },
    async (request, reply) => {
      const { name } = request.params;
      const definition = toDefinition(request.body, name);
      const durationMs = putMs(request.query);
      await refuseArgumentsInCmd(definition.cmd, definition.dir ?? defaultDir, searchPath);
      await stream(request, reply, (caller) => services.put(name, definition, durationMs, caller));
    },
  );

  app.patch<Named & { Body: schemas.ChangeBody; Querystring: schemas.StartQuery }>(
    "/services/:name",
    { schema: patchSchema },
    async (request, reply) => {
      const { name } = request.params;
      const change = toChange(request.body, name);
      const durationMs = watchMs(request.query.duration);
      await refuseArgumentsInCmd(change.cmd ?? "", change.dir ?? defaultDir, searchPath);
      await stream(request, reply, (caller) => services.update(name, change, durationMs, caller));
    },
  );

  app.delete<Named>(
    "/services/:name",
    {
      schema: {
        params: schemas.nameParams,
        body: schemas.emptyBody,
        querystring: schemas.noQuery,
      },
    },
    async (request, reply) => {
      await services.remove(request.params.name, callerOf(request));
      return reply.code(204).send();
    },
  );
}
