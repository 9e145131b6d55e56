import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import { AppError } from "../base/errors.ts";

/**
 * What the page may do: load its own files and ask its own origin. No script or style that stands in a document, no frame around it, no other host. Source: Content
 * Security Policy Level 3.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Of every answer to a page. */
export const PAGE_HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

const YEAR_S = 31_536_000;

/**
 * Serves the files of the page under `/inspector/`. There is nothing secret in them, so they are open to all; what they ask for is not.
 *
 * @param findFolder where they are; asked once somebody wants them
 */
export const assetRoutes =
  (findFolder: () => string) =>
  async (app: FastifyInstance): Promise<void> => {
    await app.register(fastifyStatic, { serve: false, preCompressed: true });
    const config = { open: true, hidden: true } as const;
    let found: string | undefined;
    const folder = (): string => (found ??= findFolder());
    app.get("/inspector", { config }, (_, reply) => send(reply, folder(), "index.html")); // with a slash at its end, too
    app.get<{ Params: { "*": string } }>("/inspector/*", { config }, (request, reply) =>
      send(reply, folder(), request.params["*"]),
    );
  };

function send(reply: FastifyReply, folder: string, name: string): FastifyReply {
  void reply.headers(PAGE_HEADERS);
  if (!existsSync(join(folder, "index.html")))
    throw new AppError(
      "not_found",
      'the page was not built: run "make build" where the program comes from',
    );
  const isForEver = name.startsWith("assets/");
  return isForEver
    ? reply.sendFile(name, folder, { maxAge: YEAR_S * 1_000, immutable: true })
    : reply.sendFile(name, folder, { cacheControl: false }).header("cache-control", "no-store");
}
