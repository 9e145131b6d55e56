import type { FastifyInstance } from "fastify";
import { AppError } from "../../base/errors.ts";
import { onlyMethods } from "../methods.ts";

/** Checkpoints are known, and not there yet: refused by name. */
export async function storageRoutes(app: FastifyInstance): Promise<void> {
  for (const path of ["/checkpoint", "/restore"]) {
    app.post(path, { config: { hidden: true } }, async () => {
      throw new AppError(
        "not_built_yet",
        `${path} is known, but this release does not make or restore checkpoints yet`,
      );
    });
    onlyMethods(app, path, ["POST"]);
  }
}
