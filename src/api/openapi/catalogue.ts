import type { FastifyInstance, FastifySchema, RouteOptions } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Not in the reference: what only answers that something is not so, and parts of the reference itself. */
    hidden?: boolean;
  }
}

/** A route as it was defined. */
export interface CataloguedRoute {
  method: string;
  /** As Fastify has it: `/services/:name`. */
  url: string;
  schema: FastifySchema;
  isOpen: boolean;
}

const isShown = ({ method, config }: RouteOptions): boolean =>
  typeof method === "string" && method !== "HEAD" && config?.hidden !== true;

/** Notes every route that is defined from now on, under all its prefixes. HEAD is GET without a body, so it is left out. */
export function catalogueRoutes(app: FastifyInstance): readonly CataloguedRoute[] {
  const routes: CataloguedRoute[] = [];
  app.addHook("onRoute", (route) => {
    if (!isShown(route)) return;
    const { method, url, schema = {}, config } = route;
    routes.push({ method: String(method), url, schema, isOpen: config?.open === true });
  });
  return routes;
}
