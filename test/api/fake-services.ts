import { AppError } from "../../src/base/errors.ts";
import { createLogger } from "../../src/base/logger.ts";
import type { Caller, ServiceCommands, ServiceView, StreamLine } from "../../src/commands/ports.ts";
import type { EventQueries } from "../../src/api/routes/events.ts";
import { createApiServer, type ApiOptions, type ApiServer } from "../../src/api/server.ts";

/** What was asked of the commands, in order. */
export type Asked = { command: string; args: unknown[]; caller: Caller };

export const view = (change: Partial<ServiceView> = {}): ServiceView => ({
  name: "web",
  definition: { cmd: "python3" },
  version: 1,
  phase: "running",
  desired: "running",
  restartCount: 0,
  waitingFor: [],
  flags: [],
  logFile: "/logs/web.log",
  ...change,
});

/** Lines that are there already. */
export async function* linesOf(...lines: StreamLine[]): AsyncGenerator<StreamLine> {
  yield* lines;
}

export const complete: StreamLine = { type: "complete", logFile: "/logs/web.log", time: 9 };

/** Commands that note what they are asked, and answer what they are told to. */
export function fakeServices(answers: Partial<ServiceCommands> = {}) {
  const asked: Asked[] = [];
  const streaming =
    (command: string) =>
    async (...all: unknown[]): Promise<AsyncIterable<StreamLine>> => {
      note(command, all);
      return linesOf(complete);
    };
  const note = (command: string, all: unknown[]): void =>
    void asked.push({ command, args: all.slice(0, -1), caller: all.at(-1) as Caller });
  const services: ServiceCommands = {
    list: () => [view()],
    get: (name) => {
      if (name === "web") return view();
      throw new AppError("service_not_found", `no service named "${name}"`);
    },
    put: streaming("put"),
    update: streaming("update"),
    start: streaming("start"),
    restart: streaming("restart"),
    stop: streaming("stop"),
    remove: async (...all) => note("remove", all),
    signal: async (...all) => note("signal", all),
    logs: streaming("logs"),
    ...answers,
  };
  return { services, asked };
}

const noEvents: EventQueries = {
  page: () => [],
  follow: () => linesOf() as never,
  head: () => ({ seq: 0, hash: "" }),
};

/** An API over commands that are not real, and what it logged. */
export function fakeApi(answers: Partial<ServiceCommands> = {}, options: Partial<ApiOptions> = {}) {
  const { services, asked } = fakeServices(answers);
  const logged: string[] = [];
  const api: ApiServer = createApiServer({
    booted: Promise.resolve(),
    services,
    events: noEvents,
    config: {
      socketPath: "/nonexistent/api.sock",
      socketMode: 0o600,
      socketGroup: undefined,
      spriteName: "box",
      defaultDir: "/",
    },
    logger: createLogger({
      level: "debug",
      json: true,
      out: { write: (line) => void logged.push(line) },
    }),
    version: "1.2.3",
    peerUid: () => 1000,
    ...options,
  });
  return { api, app: api.app, asked, logged };
}
