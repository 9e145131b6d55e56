import type { FastifyInstance } from "fastify";
import { AppError } from "../../base/errors.ts";
import { addressText, type ListenAddress } from "../../config/listen.ts";
import type { CallerOf } from "../caller.ts";
import { PAGE_HEADERS } from "../assets.ts";
import { type Admit, portOf } from "../door/door.ts";
import { type Sessions, TICKET_MS } from "../door/sessions.ts";
import { onlyMethods } from "../methods.ts";
import { noQuery } from "../schemas.ts";

export interface InspectorOptions {
  sessions: Sessions;
  admit: Admit;
  callerOf: CallerOf;
  /** What the page is to show. */
  mode: "daemon" | "workbench";
  spriteName: string;
  version: string;
  /** Opens the listener for browsers of this machine, where it is not open yet. */
  open: () => Promise<ListenAddress>;
}

const ticketBody = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { read_only: { type: "boolean" } },
} as const;

export const ticketView = {
  type: "object",
  additionalProperties: false,
  required: ["url", "expires_in_s", "address"],
  properties: {
    url: { type: "string", description: "Good once, for a minute" },
    expires_in_s: { type: "integer" },
    address: { type: "string", description: "Where the page is served" },
  },
} as const;

/** A way in for a browser: the address to open. */
export const ticketRoutes =
  ({ sessions, callerOf, open }: InspectorOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    app.post<{ Body: { read_only?: boolean } | null }>(
      "/inspector/tickets",
      { schema: { body: ticketBody, querystring: noQuery, response: { 201: ticketView } } },
      async (request, reply) => {
        const { actor, full } = callerOf(request);
        const address = addressText(await open());
        const ticket = sessions.ticket(actor, request.body?.read_only === true || !full);
        const url = `http://${address}/inspector/enter?ticket=${ticket}`;
        return reply.code(201).send({ url, expires_in_s: TICKET_MS / 1_000, address });
      },
    );
    onlyMethods(app, "/inspector/tickets", ["POST"]);
  };

const enterQuery = {
  type: "object",
  required: ["ticket"],
  properties: { ticket: { type: "string", minLength: 1, maxLength: 2_000 } },
} as const;

const sessionBody = {
  type: "object",
  additionalProperties: false,
  required: ["token"],
  properties: {
    token: { type: "string", minLength: 1, maxLength: 4_096, "x-allowed": "a token of the API" },
  },
} as const;

const sessionView = {
  type: "object",
  additionalProperties: false,
  required: ["mode", "actor", "read_only", "sprite", "version"],
  properties: {
    mode: { type: "string", enum: ["daemon", "workbench"] },
    actor: { type: "string" },
    read_only: { type: "boolean" },
    sprite: { type: "string" },
    version: { type: "string" },
  },
} as const;

/** A page in words, for a browser whose address leads nowhere. */
const sorry = (message: string): string =>
  `<!doctype html><meta charset="utf-8"><title>sprite-env</title><p>${message.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)}</p>\n`;

/** Coming in, and who is in. */
export const sessionRoutes =
  ({ sessions, admit, callerOf, mode, spriteName, version }: Omit<InspectorOptions, "open">) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Querystring: { ticket: string } }>(
      "/inspector/enter",
      { config: { open: true, hidden: true }, schema: { querystring: enterQuery } },
      async (request, reply) => {
        void reply.headers({ ...PAGE_HEADERS, "cache-control": "no-store" });
        try {
          const cookie = sessions.enter(request.query.ticket, portOf(request));
          return reply.header("set-cookie", cookie).redirect("/inspector/", 303);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          return reply.code(403).type("text/html; charset=utf-8").send(sorry(error.message));
        }
      },
    );
    onlyMethods(app, "/inspector/enter", ["GET", "HEAD"]);

    const asked = { querystring: noQuery, response: { 200: sessionView } } as const;
    app.get("/inspector/session", { config: { hidden: true }, schema: asked }, async (request) => {
      const { actor, full } = callerOf(request);
      return { mode, actor, read_only: !full, sprite: spriteName, version };
    });
    app.post<{ Body: { token: string } }>(
      "/inspector/session",
      { config: { open: true, hidden: true }, schema: { body: sessionBody, querystring: noQuery } },
      async (request, reply) => {
        const bearer = admit(request.body.token, request, reply);
        return reply
          .header("set-cookie", sessions.open(bearer, portOf(request)))
          .code(204)
          .send();
      },
    );
    app.delete(
      "/inspector/session",
      { config: { hidden: true }, schema: { querystring: noQuery } },
      async (request, reply) =>
        reply
          .header("set-cookie", sessions.end(request.headers.cookie, portOf(request)))
          .code(204)
          .send(),
    );
    onlyMethods(app, "/inspector/session", ["GET", "HEAD", "POST", "DELETE"]);
  };
