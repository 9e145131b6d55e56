import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { packageFolder, type Unpack } from "../../base/parts.ts";
import { onlyMethods } from "../methods.ts";
import type { CataloguedRoute } from "../openapi/catalogue.ts";

interface DocsOptions {
  routes: readonly CataloguedRoute[];
  version: string;
  spriteName: string;
  unpack: Unpack;
}

/** At the root: the others are the same under prefixes. */
const atRoot = ({ url }: CataloguedRoute): boolean => !url.startsWith("/v1");

/** The reference of the API: the document for programs, the page for people. Both are made when they are first asked for. */
export const docsRoutes =
  ({ routes, version, spriteName, unpack }: DocsOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    let document: Promise<object> | undefined;
    let page: Promise<FastifyInstance> | undefined;
    const made = (): Promise<object> =>
      (document ??= import("../openapi/document.ts").then(({ openapiDocument }) =>
        openapiDocument(routes.filter(atRoot), { version, spriteName }),
      ));
    const shown = (): Promise<FastifyInstance> =>
      (page ??= import("../openapi/docs.ts")
        .then(async ({ docsApp }) => docsApp(await made(), packageFolder("swagger-ui", unpack)))
        .catch((error: unknown) => {
          page = undefined; // asked again, it is made again
          throw error;
        }));

    const show = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const docs = await shown();
      void reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      docs.routing(request.raw, reply.raw);
    };
    const json = { response: { 200: { type: "object" } } } as const;
    app.get("/openapi.json", { config: { open: true }, schema: json }, made);
    const html = { response: { 200: { type: "string" } } } as const;
    app.get("/docs", { config: { open: true }, schema: html }, show);
    app.get("/docs/*", { config: { open: true, hidden: true } }, show);
    app.addHook("onClose", async () => void (await page)?.close());
    for (const url of ["/openapi.json", "/docs", "/docs/*"]) onlyMethods(app, url, ["GET", "HEAD"]);
  };
