import { AppError } from "../../src/base/errors.ts";
import { createHistogram } from "../../src/base/histogram.ts";
import { createLogger } from "../../src/base/logger.ts";
import type { Caller, ServiceCommands, ServiceView, StreamLine } from "../../src/commands/ports.ts";
import { createApiServer, type ApiOptions, type ApiServer } from "../../src/api/server.ts";
import { FakeLog } from "./fake-log.ts";

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
    rollback: streaming("rollback"),
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

/** What the API is configured with; nothing listens there. */
export const apiConfig = (change: Partial<ApiOptions["config"]> = {}): ApiOptions["config"] => ({
  socketPath: "/nonexistent/api.sock",
  socketMode: 0o600,
  socketGroup: undefined,
  spriteName: "box",
  defaultDir: "/",
  apiListen: undefined,
  inspectorListen: { host: "127.0.0.1", port: 0 },
  apiHosts: [],
  ...change,
});

/** A daemon that has done nothing yet. */
const noMetrics = (): ApiOptions["metrics"] => ({
  services: () => [],
  log: () => ({ first: 1, last: 0, bytes: 0 }),
  commits: createHistogram([1]),
  queue: () => ({ inputs: 0, commands: 0 }),
});

/** An API over commands that are not real, and what it logged. */
export function fakeApi(answers: Partial<ServiceCommands> = {}, options: Partial<ApiOptions> = {}) {
  const { services, asked } = fakeServices(answers);
  const logged: string[] = [];
  const api: ApiServer = createApiServer({
    booted: Promise.resolve(),
    services,
    events: new FakeLog(),
    config: apiConfig(),
    tokens: [],
    metrics: noMetrics(),
    projections: { states: () => [], rebuild: async () => {} },
    past: { ask: async () => "{}" },
    machines: () => [],
    browsers: {
      port: () => 0,
      noteReached: () => {},
      sessions: { read: () => [], write: () => {} },
    },
    components: () => [
      {
        name: "db",
        phase: "ready",
        restartCount: 0,
        isDetached: false,
        waitingFor: [],
        logFile: "/logs/_component-db.log",
      },
    ],
    exec: {
      run: async (_, output) => {
        await output.stdout(Buffer.from("ok\n"));
        return 0;
      },
      readiness: { wait: async () => {} },
    },
    configuration: {
      plan: async () => ({ file: "/etc/config.json", components: [], steps: [], otherKeys: [] }),
      reload: async () => ({
        file: "/etc/config.json",
        components: [],
        steps: [],
        otherKeys: [],
      }),
    },
    usage: () => ({ at: 0, services: new Map() }),
    logger: createLogger({
      level: "debug",
      json: true,
      out: { write: (line) => void logged.push(line) },
    }),
    version: "1.2.3",
    peerUid: () => 1000,
    unpack: () => "/nowhere",
    ...options,
  });
  return { api, app: api.app, asked, logged };
}
