import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { onlyMethods } from "../methods.ts";
import { nameParams } from "../schemas.ts";
import * as past from "../past-schemas.ts";

/** Whoever answers questions about the past, off the daemon's loop. */
export interface Past {
  /**
   * @returns the answer, as JSON
   * @throws AppError `busy`, `timed_out`, or what the question refuses
   */
  ask(
    question: string,
    parameters: Readonly<Record<string, string | number | undefined>>,
  ): Promise<string>;
}

/** What of a path and a query becomes a parameter: both were checked by their schemas. */
type Given = Readonly<Record<string, string | number | undefined>>;

interface Route {
  path: string;
  question: string;
  params?: object;
  query: object;
  /** What it answers, in one line of the reference. */
  view: object;
}

const ROUTES: readonly Route[] = [
  { path: "/past/span", question: "span", query: past.nothing, view: past.spanView },
  { path: "/past/strip", question: "strip", query: past.stripQuery, view: past.stripView },
  { path: "/past/state", question: "state", query: past.stateQuery, view: past.stateView },
  { path: "/past/diff", question: "diff", query: past.diffQuery, view: past.anyObject },
  { path: "/past/jump", question: "jump", query: past.jumpQuery, view: past.jumpView },
  { path: "/past/boots", question: "boots", query: past.nothing, view: past.anyList },
  {
    path: "/past/boots/diff",
    question: "boot-diff",
    query: past.bootDiffQuery,
    view: past.anyObject,
  },
  {
    path: "/past/boots/:boot",
    question: "boot",
    params: past.bootParams,
    query: past.nothing,
    view: past.anyObject,
  },
  {
    path: "/past/why/:name",
    question: "why",
    params: nameParams,
    query: past.nothing,
    view: past.anyObject,
  },
  {
    path: "/past/history/:name",
    question: "history",
    params: nameParams,
    query: past.limitQuery,
    view: past.anyObject,
  },
  {
    path: "/past/causes/:seq",
    question: "causes",
    params: past.seqParams,
    query: past.nothing,
    view: past.causesView,
  },
  {
    path: "/past/edges/:name",
    question: "edges",
    params: nameParams,
    query: past.edgesQuery,
    view: past.edgesView,
  },
  {
    path: "/past/taken/:name",
    question: "taken",
    params: nameParams,
    query: past.takenQuery,
    view: past.toldView,
  },
  { path: "/past/timeline", question: "timeline", query: past.timelineQuery, view: past.toldView },
  {
    path: "/past/restarts",
    question: "restarts",
    query: past.restartsQuery,
    view: past.restartsView,
  },
  {
    path: "/past/logs/:name",
    question: "logs",
    params: nameParams,
    query: past.logsQuery,
    view: past.logsView,
  },
];

/** Questions about any moment of the past. */
export const pastRoutes =
  (answers: Past) =>
  async (app: FastifyInstance): Promise<void> => {
    for (const { path, question, params, query, view } of ROUTES) {
      const schema = { querystring: query, ...(params && { params }), response: { 200: view } };
      app.get(path, { schema }, (request, reply) => answer(answers, question, request, reply));
      onlyMethods(app, path, ["GET", "HEAD"]);
    }
  };

async function answer(
  answers: Past,
  question: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name, sprite: _, ...params } = request.params as Given;
  const asked = { ...past.DEFAULTS[question], ...(request.query as Given), ...params };
  const text = await answers.ask(
    question,
    name === undefined ? asked : { ...asked, service: name },
  );
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .serializer(String)
    .send(text);
}
