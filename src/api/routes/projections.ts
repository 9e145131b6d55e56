import type { FastifyInstance } from "fastify";
import { AppError } from "../../base/errors.ts";
import { onlyMethods } from "../methods.ts";
import { emptyBody, noQuery } from "../schemas.ts";

/** A read model: the answers that are folded from the event log as it grows. */
interface ProjectionState {
  name: string;
  version: number;
  /** The last event that is in it. */
  seq: number;
  /** Why it is not read at present: answers come from the state machines themselves until it is made anew. */
  stale?: string;
}

/** The read models of the daemon. */
export interface Projections {
  states(): ProjectionState[];
  /**
   * Makes one anew while the daemon goes on; resolves when it follows the log again.
   *
   * @throws AppError `not_found`, `storage_failed`
   */
  rebuild(name: string): Promise<void>;
}

const params = {
  type: "object",
  required: ["name"],
  properties: { name: { type: "string", pattern: "^[a-z_]{1,40}$", "x-allowed": "its name" } },
} as const;

/** A read model as it is shown. */
export const projectionView = {
  type: "object",
  additionalProperties: false,
  required: ["name", "version", "seq"],
  properties: {
    name: { type: "string" },
    version: { type: "integer" },
    seq: { type: "integer", description: "The last event that is in it" },
    stale: { type: "string", description: "Why it is not read at present" },
  },
} as const;

/** The read models, and the way to have one made anew. */
export const projectionRoutes =
  (projections: Projections) =>
  async (app: FastifyInstance): Promise<void> => {
    const views = { type: "array", items: projectionView } as const;
    app.get(
      "/projections",
      { schema: { querystring: noQuery, response: { 200: views } } },
      async () => projections.states(),
    );
    onlyMethods(app, "/projections", ["GET", "HEAD"]);

    app.post<{ Params: { name: string } }>(
      "/projections/:name/rebuild",
      {
        schema: {
          params,
          body: emptyBody,
          querystring: noQuery,
          response: { 200: projectionView },
        },
      },
      async (request) => {
        const { name } = request.params;
        await projections.rebuild(name);
        const made = projections.states().find((one) => one.name === name);
        if (made) return made;
        throw new AppError("not_found", `there is no read model "${name}"`);
      },
    );
    onlyMethods(app, "/projections/:name/rebuild", ["POST"]);
  };
