import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { createHistogram, type Histogram } from "../../base/histogram.ts";

/** Requests so far. Labels are of a closed set: routes as they are defined, known methods, statuses. */
export interface HttpCounts {
  /** How many, by method, route and status. */
  readonly requests: ReadonlyMap<string, RequestCount>;
  /** How long the answers took that are whole when they begin, by method and route: those of many pieces last as long as their reader likes. */
  readonly durations: ReadonlyMap<string, RouteDuration>;
}

interface Route {
  method: string;
  route: string;
}

interface RequestCount extends Route {
  status: number;
  count: number;
}

interface RouteDuration extends Route {
  histogram: Histogram;
}

/** Upper bounds in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]);

/** Where a path stands that has several prefixes: they are one route. */
const PREFIX = /^\/v1(?:\/sprites\/:sprite)?(?=\/)/;

/** The route as it is defined; what nobody defined is one route, whatever its path. */
const routeOf = ({ routeOptions }: FastifyRequest): string =>
  routeOptions.url?.replace(PREFIX, "") ?? "none";

function count(counts: Map<string, RequestCount>, at: Route, status: number): void {
  const key = `${at.method} ${at.route} ${status}`;
  const known = counts.get(key);
  if (known) known.count += 1;
  else counts.set(key, { ...at, status, count: 1 });
}

function observe(durations: Map<string, RouteDuration>, at: Route, seconds: number): void {
  const key = `${at.method} ${at.route}`;
  const known = durations.get(key) ?? { ...at, histogram: createHistogram(BOUNDS) };
  durations.set(key, known);
  known.histogram.observe(seconds);
}

/** Counts every request of an app when its answer has ended. */
export function countRequests(app: FastifyInstance): HttpCounts {
  const requests = new Map<string, RequestCount>();
  const durations = new Map<string, RouteDuration>();
  app.addHook("onResponse", async (request: FastifyRequest, reply: FastifyReply) => {
    const method = METHODS.has(request.method) ? request.method : "other";
    const at = { method, route: routeOf(request) };
    count(requests, at, reply.raw.statusCode);
    if (!reply.isStream) observe(durations, at, reply.elapsedTime / 1_000);
  });
  return { requests, durations };
}
