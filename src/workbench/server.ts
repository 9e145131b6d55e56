import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fastify, type FastifyInstance } from "fastify";
import { assetRoutes } from "../api/assets.ts";
import { callers } from "../api/caller.ts";
import { guardDoor } from "../api/door/door.ts";
import { Sessions } from "../api/door/sessions.ts";
import { errorSender } from "../api/error-handler.ts";
import { compileSchema } from "../api/refuse.ts";
import { sessionRoutes } from "../api/routes/inspector.ts";
import { shippedFolder } from "../base/parts.ts";
import type { Logger } from "../base/logger.ts";
import type { Bench } from "./bench.ts";
import { testFile } from "./test-file.ts";
import type { PaperEvent } from "../inspector/page/machine/workbench-wire.ts";

/** Longest sequence on paper, in bytes. */
const BODY_BYTES = 1_048_576;

const events = {
  type: "array",
  maxItems: 1_000,
  items: {
    type: "object",
    additionalProperties: true,
    required: ["type"],
    properties: { type: { type: "string", maxLength: 200 } },
  },
} as const;
const paperBody = {
  type: "object",
  additionalProperties: false,
  required: ["events"],
  properties: { events, input: {}, title: { type: "string", maxLength: 200 } },
} as const;

interface PaperAsked {
  events: PaperEvent[];
  input?: unknown;
  title?: string;
}

export interface WorkbenchServer {
  /** Good once, for a minute. */
  url: string;
  address: string;
  close(): Promise<void>;
}

/** The workbench's own listener: on loopback, behind the same door as the daemon's page. */
export async function serveWorkbench(
  bench: Pick<Bench, "report" | "listen" | "paper">,
  logger: Logger,
  version: string,
): Promise<WorkbenchServer> {
  let scratch: string | undefined;
  const unpack = (): string => (scratch ??= mkdtempSync(join(tmpdir(), "sprite-env-page-")));
  const app = fastify({
    bodyLimit: BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(compileSchema);
  app.setErrorHandler(errorSender(logger, BODY_BYTES));
  app.decorateRequest("rawBody", "");
  const sessions = new Sessions();
  const ownNames = new Set(["localhost", hostname().toLowerCase()]);
  const admit = guardDoor(app, { tokens: [], ownNames, isRemote: () => true, logger, sessions });
  const callerOf = callers(() => undefined);
  const inspector = {
    sessions,
    admit,
    callerOf,
    mode: "workbench" as const,
    spriteName: "workbench",
    version,
  };
  await app.register(sessionRoutes(inspector));
  await app.register(assetRoutes(() => shippedFolder("inspector", unpack)));
  benchRoutes(app, bench);
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  const ticket = sessions.ticket(`uid:${userInfo().uid}`, false);
  return {
    url: `http://${address}/inspector/enter?ticket=${ticket}`,
    address,
    close: async () => {
      await app.close();
      if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function benchRoutes(
  app: FastifyInstance,
  bench: Pick<Bench, "report" | "listen" | "paper">,
): void {
  app.get("/workbench/machine", async () => bench.report);
  app.get("/workbench/live", (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    let isBehind = false;
    const send = (): void => {
      if (isBehind) return;
      isBehind = true;
      const { report } = bench;
      reply.raw.write(`event: machine\ndata: ${JSON.stringify(report)}\n\n`, () => {
        isBehind = false;
        if (bench.report !== report) send(); // who was behind gets the last one
      });
    };
    send();
    request.raw.once("close", bench.listen(send));
  });
  app.post<{ Body: PaperAsked }>(
    "/workbench/paper",
    { schema: { body: paperBody } },
    async ({ body }) => bench.paper(body),
  );
  app.post<{ Body: PaperAsked }>(
    "/workbench/paper/test",
    { schema: { body: paperBody } },
    async ({ body }) => {
      const { steps } = await bench.paper(body);
      return testFile(bench.report, body, steps);
    },
  );
}
