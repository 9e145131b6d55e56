import { readFileSync } from "node:fs";
import { join } from "node:path";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { fastify, type FastifyInstance } from "fastify";

/**
 * All that the page may do: its own scripts and pictures, and requests to us. Swagger UI has styles of its own in
 * elements, which cannot be told by their hashes.
 */
const CSP = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self' 'unsafe-inline'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
};

/**
 * The reference page as an app of its own: it is made when somebody first asks for it, since its parts take memory that
 * most daemons never need. It serves files out of its package and the document, and knows nothing else of us.
 *
 * @param document an OpenAPI document
 * @param baseDir its files, where they do not lie in its package
 */
export async function docsApp(document: object, baseDir?: string): Promise<FastifyInstance> {
  const app = fastify();
  app.addHook("onRequest", async (_, reply) => {
    void reply.headers({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const body = { error: "not_found", message: `there is no ${request.url.split("?")[0]}` };
    return reply.code(404).send(body);
  });
  await app.register(swagger, {
    mode: "static",
    specification: { document: document as never }, // its type is of OpenAPI 3.0
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: CSP,
    uiConfig: { deepLinking: true, docExpansion: "list", validatorUrl: null },
    theme: { title: "sprite-env API" },
    ...(baseDir !== undefined && {
      baseDir,
      logo: { type: "image/svg+xml", content: readFileSync(join(baseDir, "logo.svg")) },
    }),
  });
  await app.ready();
  return app;
}
