import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import type { StreamLine } from "../../src/commands/ports.ts";
import { complete, fakeApi, linesOf } from "./fake-services.ts";
import { ask, liveApi, textOf, until } from "./socket-fixture.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

async function live(...args: Parameters<typeof liveApi>) {
  const api = await liveApi(...args);
  ends.push(api.end);
  return api;
}

const started: StreamLine = { type: "started", time: 1 };

/** Lines that wait for ever after the first, and know when their reader left. */
function endless(...lines: StreamLine[]) {
  const state = { left: 0, taken: 0 };
  const iterator: AsyncIterator<StreamLine> = {
    next: () => {
      const value = lines[state.taken];
      state.taken += 1;
      return value ? Promise.resolve({ value, done: false }) : new Promise(() => {});
    },
    return: async () => {
      state.left += 1;
      return { value: undefined, done: true };
    },
  };
  return { state, lines: { [Symbol.asyncIterator]: () => iterator } };
}

it("sends headers at once and each line as it comes", async () => {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  async function* lines(): AsyncGenerator<StreamLine> {
    await first.promise;
    yield started;
    await second.promise;
    yield complete;
  }
  const { socketPath } = await live({ start: async () => lines() });
  const response = await ask(socketPath, "/v1/services/web/start", { method: "POST" });
  const chunks: string[] = [];
  response.on("data", (chunk: Buffer) => void chunks.push(chunk.toString()));

  expect(response.statusCode).toBe(200);
  first.resolve();

  await until(() => chunks.length === 1);
  expect(chunks).toEqual(['{"type":"started","timestamp":1}\n']);
  second.resolve();

  await until(() => response.complete);
  expect(chunks).toHaveLength(2);
});

it("tells the source when the reader leaves while nothing comes", async () => {
  const { state, lines } = endless(started);
  const { socketPath } = await live({ logs: async () => lines });
  const response = await ask(socketPath, "/v1/services/web/logs?follow=true");
  await until(() => state.taken === 2);
  response.destroy();

  await until(() => state.left === 1);
});

it("tells the source when the reader left before the command was answered", async () => {
  const { state, lines } = endless(started);
  const answer = Promise.withResolvers<typeof lines>();
  const isAsked = Promise.withResolvers<void>();
  const { socketPath } = await live({
    start: () => {
      isAsked.resolve();
      return answer.promise;
    },
  });
  const socket = connect(socketPath).on("error", () => {});
  socket.write("POST /v1/services/web/start HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  await isAsked.promise;
  socket.destroy();
  answer.resolve(lines);

  await until(() => state.left === 1);
});

it("keeps nothing for a reader that does not read", async () => {
  let made = 0;
  const data = "x".repeat(10_000);
  async function* lines(): AsyncGenerator<StreamLine> {
    for (;;) {
      made += 1;
      yield { type: "stdout", data, time: made };
    }
  }
  const { socketPath } = await live({ logs: async () => lines() });
  const response = await ask(socketPath, "/v1/services/web/logs?follow=true");
  response.pause();
  let last = -1;
  await until(() => {
    const isStill = made === last;
    last = made;
    return isStill && made > 1;
  });

  expect(made * data.length).toBeLessThan(4_000_000);
  expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);
  response.destroy();
});

it("gives a slow reader every line once it reads", async () => {
  const count = 300;
  async function* lines(): AsyncGenerator<StreamLine> {
    for (let time = 0; time < count; time++)
      yield { type: "stdout", data: "y".repeat(9_000), time };
  }
  const { socketPath } = await live({ logs: async () => lines() });
  const response = await ask(socketPath, "/v1/services/web/logs");
  await new Promise((resolve) => setImmediate(resolve));
  const received = (await textOf(response)).trimEnd().split("\n");

  expect(received.map((line) => (JSON.parse(line) as { timestamp: number }).timestamp)).toEqual(
    Array.from({ length: count }, (_, time) => time),
  );
});

async function* breaking(error: unknown): AsyncGenerator<StreamLine> {
  yield started;
  throw error;
}

describe("a source that breaks off", () => {
  it("ends the stream with what happened", async () => {
    const { app } = fakeApi({
      start: async () => breaking(new AppError("shutting_down", "the daemon is ending")),
    });
    const { body } = await app.inject({ method: "POST", url: "/v1/services/web/start" });

    expect(body).toMatch(
      /^\{"type":"started","timestamp":1\}\n\{"type":"error","data":"the daemon is ending","timestamp":\d+\}\n$/,
    );
  });

  it("shows no insides of a bug, but its id in the log", async () => {
    const { app, logged } = fakeApi({ start: async () => breaking(new Error("secret place")) });
    const { body } = await app.inject({ method: "POST", url: "/v1/services/web/start" });
    const id = /under id ([0-9a-f]{8})/.exec(body)?.[1];

    expect(body).not.toContain("secret place");
    expect(id).toBeDefined();
    expect(logged.join("")).toMatch(
      new RegExp(`secret place[\\s\\S]*${id}|${id}[\\s\\S]*secret place`),
    );
  });
});

it("refuses a stream too many before the command is asked, and answers everything else", async () => {
  const { lines } = endless(started);
  const { socketPath, asked } = await live({ logs: async () => lines });
  const open = await Promise.all(
    Array.from({ length: 256 }, () => ask(socketPath, "/v1/services/web/logs?follow=true")),
  );
  const refused = await ask(socketPath, "/v1/services/web/start", { method: "POST" });

  expect(refused.statusCode).toBe(503);
  expect(refused.headers["retry-after"]).toBe("1");
  expect(JSON.parse(await textOf(refused))).toMatchObject({ error: "busy" });
  expect(asked).toEqual([]);
  expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);

  open[0]?.destroy();
  let status: number | undefined;
  while (status !== 200) {
    const again = await ask(socketPath, "/v1/services/web/start", { method: "POST" });
    status = again.statusCode;
    again.resume();
  }
  open.forEach((response) => response.destroy());
});

it("ends open streams when the server closes", async () => {
  const { state, lines } = endless(started);
  const { api, socketPath } = await live({ logs: async () => lines });
  const response = await ask(socketPath, "/v1/services/web/logs?follow=true");
  const text = textOf(response);
  await until(() => state.taken === 2);
  await api.close();

  expect(await text).toBe('{"type":"started","timestamp":1}\n');
  expect(response.complete).toBe(true);
  expect(state.left).toBe(1);
});

const sent = async (data: string) => {
  const { app } = fakeApi({ start: async () => linesOf({ type: "stdout", data, time: 7 }) });
  const { body } = await app.inject({ method: "POST", url: "/v1/services/web/start" });
  return body.trimEnd().split("\n");
};

describe("long data", () => {
  it.each([
    ["plain", "a".repeat(200_000)],
    ["escaped", "\u0001".repeat(100_000)],
    ["of many bytes", "語".repeat(100_000)],
    ["of pairs", "x" + "😀".repeat(60_000)],
  ])("%s goes out in lines under 64 KiB, none of it lost", async (_, data) => {
    const lines = await sent(data);
    const parsed = lines.map(
      (line) => JSON.parse(line) as { type: string; data: string; timestamp: number },
    );

    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThan(65_536);
    expect(parsed.map((line) => line.data).join("")).toBe(data);
    expect(new Set(parsed.map((line) => `${line.type} ${line.timestamp}`))).toEqual(
      new Set(["stdout 7"]),
    );
    expect(parsed.every((line) => line.data.isWellFormed())).toBe(true);
  });
});

it("writes every type of line with the keys of the documentation in their order", async () => {
  const { app } = fakeApi({
    start: async () =>
      linesOf(
        { type: "pending", data: "waiting for db", time: 1 },
        { type: "started", time: 2 },
        { type: "stderr", data: "e\n", time: 3 },
        { type: "exit", exitCode: 7, time: 4 },
        { type: "error", data: "Failed to start service: x", time: 5 },
        { type: "stopping", time: 6 },
        { type: "stopped", exitCode: 143, time: 7 },
        { type: "stopped", time: 8 },
        { ...complete, message: "Service already running" } as StreamLine,
      ),
  });
  const { body } = await app.inject({ method: "POST", url: "/v1/services/web/start" });

  expect(body.trimEnd().split("\n")).toEqual([
    '{"type":"pending","data":"waiting for db","timestamp":1}',
    '{"type":"started","timestamp":2}',
    '{"type":"stderr","data":"e\\n","timestamp":3}',
    '{"type":"exit","exit_code":7,"timestamp":4}',
    '{"type":"error","data":"Failed to start service: x","timestamp":5}',
    '{"type":"stopping","timestamp":6}',
    '{"type":"stopped","exit_code":143,"timestamp":7}',
    '{"type":"stopped","timestamp":8}',
    '{"type":"complete","message":"Service already running","log_files":{"combined":"/logs/web.log","stderr":"/logs/web.log","stdout":"/logs/web.log"},"timestamp":9}',
  ]);
});
