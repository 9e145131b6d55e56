import { createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { StreamLine } from "../../../src/commands/ports.ts";
import { fakeApi, apiConfig } from "../fake-services.ts";
import { FakeLog, many } from "../fake-log.ts";
import { ask, textOf, until } from "../socket-fixture.ts";
import { askTcp, rawTcp, READER, tcpApi, TOKEN, type TcpQuestion } from "./tcp-fixture.ts";

const answer = async (port: number, question?: TcpQuestion) => {
  const response = await askTcp(port, question);
  const text = await textOf(response);
  return { status: response.statusCode, headers: response.headers, text };
};

const bodyOf = ({ text }: { text: string }) => JSON.parse(text) as Record<string, unknown>;

describe("who asks", () => {
  it.each<[string, Record<string, string>]>([
    ["Bearer", { authorization: `Bearer ${TOKEN}` }],
    ["Basic", { authorization: `Basic ${Buffer.from(`bearer:${TOKEN}`).toString("base64")}` }],
    ["fly-replay-src", { "fly-replay-src": `instance=i;state=${TOKEN}` }],
    ["an older fly-replay-src", { "fly-replay-src": `state=api:${TOKEN}` }],
  ])("is known by its token as %s, and its name is the actor", async (_, headers) => {
    const { port, asked } = await tcpApi();
    const { status } = await answer(port, {
      token: null,
      headers,
      method: "POST",
      path: "/v1/services/web/start",
    });

    expect(status).toBe(200);
    expect(asked[0]?.caller).toEqual({ actor: "token:ci", full: true });
  });

  it.each<[string, TcpQuestion]>([
    ["without a token", { token: null }],
    ["with a wrong one", { token: `${TOKEN}x` }],
    ["with the beginning of it", { token: TOKEN.slice(0, -1) }],
    [
      "with traffic of the sprite's URL",
      { token: null, headers: { "fly-replay-src": "state=proxy::x" } },
    ],
    ["with another scheme", { token: null, headers: { authorization: `FlyV1 ${TOKEN}` } }],
  ])("%s is refused before anything is asked", async (_, question) => {
    const { port, asked } = await tcpApi();
    for (const path of [
      "/v1/services",
      "/services/web",
      "/v1/sprites/box/services",
      "/v1/events",
      "/nowhere",
      "/metrics",
    ]) {
      const refused = await answer(port, { ...question, path });
      expect(refused).toMatchObject({ status: 401, headers: { "www-authenticate": /Bearer/ } });
      expect(bodyOf(refused)).toMatchObject({ error: "unauthorized" });
    }
    expect(asked).toEqual([]);
  });

  it("needs no token for /healthz, and none on the socket", async () => {
    const { port, socketPath } = await tcpApi();

    expect((await answer(port, { path: "/healthz", token: null })).status).toBe(200);
    expect((await ask(socketPath, "/v1/services")).statusCode).toBe(200);
  });

  it("may look and not touch with a read-only token", async () => {
    const { port, asked } = await tcpApi({
      get: (name, caller) => {
        asked.push({ command: "get", args: [name], caller });
        throw new Error("not asked for more");
      },
    });
    await answer(port, { token: READER, path: "/v1/services/web" });
    expect(asked.splice(0)[0]?.caller).toEqual({ actor: "token:board", full: false });

    for (const [method, path] of [
      ["PUT", "/v1/services/web"],
      ["PATCH", "/v1/services/web"],
      ["DELETE", "/v1/services/web"],
      ["POST", "/v1/services/web/start"],
      ["POST", "/services/signal"],
      ["OPTIONS", "/v1/services"],
    ] as const) {
      const refused = await answer(port, { token: READER, method, path });
      expect(refused.status).toBe(403);
      expect(bodyOf(refused)).toMatchObject({
        error: "forbidden",
        message: /"board" may only read/,
      });
    }
    expect(asked).toEqual([]);
  });

  it("is told neither the token nor how near a guess was, and neither is the log", async () => {
    const { port, logged } = await tcpApi();
    const guess = `${TOKEN.slice(0, -1)}X`;
    for (let n = 0; n < 20; n++) {
      expect((await answer(port, { token: guess })).text).not.toContain(guess.slice(0, 8));
    }
    expect(logged.join("")).not.toContain(guess.slice(0, 8));
  });
});

describe("a token that is guessed", () => {
  it("a thousand times is not looked at after ten, nobody else is locked out, and the log stays short", async () => {
    const { port, logged } = await tcpApi();
    const statuses: (number | undefined)[] = [];
    for (let n = 0; n < 1_000; n++) {
      statuses.push((await answer(port, { token: `guess-${n}` })).status);
    }
    expect(statuses.slice(0, 10).every((status) => status === 401)).toBe(true);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(900);

    const late = await answer(port, {});
    expect(late).toMatchObject({ status: 429, headers: { "retry-after": /^[1-6]$/ } });
    expect(bodyOf(late)).toMatchObject({ error: "rate_limited" });
    expect((await answer(port, { from: "127.0.0.2" })).status).toBe(200);
    expect((await answer(port, { path: "/healthz" })).status).toBe(200);
    expect(logged.filter((line) => line.includes("wrong tokens")).length).toBeLessThan(5);
  });

  it("is not one that is missing", async () => {
    const { port } = await tcpApi();
    for (let n = 0; n < 50; n++) await answer(port, { token: null });

    expect((await answer(port)).status).toBe(200);
  });
});

describe("a page of another site", () => {
  const own = (port: number) => `127.0.0.1:${port}`;

  it("is refused, with a right token too, and nothing is asked", async () => {
    const { port, asked, socketPath } = await tcpApi();
    const headers = { origin: "https://evil.example" };
    const post = { method: "POST", path: "/v1/services/web/start", headers };

    expect((await answer(port, post)).status).toBe(403);
    expect((await ask(socketPath, post.path, post)).statusCode).toBe(403);
    expect(
      (await answer(port, { headers: { host: "evil.example", origin: "http://evil.example" } }))
        .status,
    ).toBe(403);
    expect((await answer(port, { headers: { cookie: "a=b" } })).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it("is not our own", async () => {
    const { port } = await tcpApi();

    expect((await answer(port, { headers: { origin: `http://${own(port)}` } })).status).toBe(200);
  });
});

describe("limits", () => {
  it("a request without a Host is none", async () => {
    const { port } = await tcpApi();
    const { state } = rawTcp(port, "GET /healthz HTTP/1.1\r\n\r\n");

    await until(() => state.isClosed);
    expect(state.text).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    [
      "a body over 1 MiB",
      "413",
      `PUT /v1/services/web HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 1048577\r\n\r\n`,
    ],
    [
      "headers over 16 kB",
      "431",
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(17_000)}\r\n\r\n`,
    ],
    ["what is not HTTP", "400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    [
      "two lengths",
      "400",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    [
      "a length and chunks",
      "400",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("%s gets %s", async (_, status, text) => {
    const { port, asked } = await tcpApi();
    const { state } = rawTcp(port, text);

    await until(() => state.text.startsWith(`HTTP/1.1 ${status} `));
    expect(asked).toEqual([]);
    expect((await answer(port)).status).toBe(200);
  });

  it("one address has so many connections, and others still find room", async () => {
    const { port } = await tcpApi({}, { limits: { connectionsPerAddress: 5 } });
    const held = Array.from({ length: 8 }, () => rawTcp(port));
    await until(() => held.filter(({ state }) => state.isClosed).length === 3);

    expect((await answer(port, { from: "127.0.0.2" })).status).toBe(200);
    held.forEach(({ socket }) => socket.destroy());
    let status: number | undefined;
    await until(() => {
      answer(port).then(
        (got) => (status = got.status),
        () => {},
      );
      return status === 200;
    });
  });

  it("all have so many connections together, and the socket still answers", async () => {
    const { port, socketPath } = await tcpApi({}, { limits: { connections: 6 } });
    const held = Array.from({ length: 10 }, (_, n) => rawTcp(port, "", `127.0.0.${n + 1}`));
    await until(() => held.filter(({ state }) => state.isClosed).length === 4);

    expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);
  });

  it("streams over TCP are fewer than connections, and take none from the socket", async () => {
    async function* endless(): AsyncGenerator<StreamLine> {
      yield { type: "started", time: 1 };
      await new Promise(() => {});
    }
    const { port, socketPath } = await tcpApi({ logs: async () => endless() });
    const path = "/v1/services/web/logs?follow=true";
    const open = await Promise.all(
      Array.from({ length: 128 }, (_, n) => askTcp(port, { path, from: `127.0.0.${(n % 8) + 1}` })),
    );
    expect(open.every(({ statusCode }) => statusCode === 200)).toBe(true);

    const refused = await answer(port, { path, from: "127.0.0.9" });
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect((await answer(port)).status).toBe(200);
    const local = await ask(socketPath, path);
    expect(local.statusCode).toBe(200);
    [...open, local].forEach((response) => response.destroy());
  });
});

/** Lines without end, and how many were taken. */
function flood(bytes: number) {
  const state = { made: 0, ended: false };
  async function* lines(): AsyncGenerator<StreamLine> {
    try {
      for (;;) {
        state.made += 1;
        yield { type: "stdout", data: "x".repeat(bytes), time: state.made };
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, lines };
}

describe("a client that never reads", () => {
  it("costs no memory, and is cut after a while", async () => {
    const { state, lines } = flood(50_000);
    const { port, socketPath } = await tcpApi(
      { logs: async () => lines() },
      { limits: { stallMs: 300 } },
    );
    const { socket, state: client } = rawTcp(port);
    socket.pause();
    socket.write(
      `GET /v1/services/web/logs?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    await until(() => state.ended);

    expect(state.made * 50_000).toBeLessThan(16_000_000);
    expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);
    socket.resume();
    await until(() => client.isClosed);
  });

  it("of events falls back to the log, is cut after a while, and is forgotten", async () => {
    const log = new FakeLog(many(1));
    const { port, app } = await tcpApi({}, { events: log, limits: { stallMs: 300 } });
    const followers = async () =>
      (await app.inject("/metrics")).body.includes("sprite_env_event_followers 1\n");
    const { socket, state: client } = rawTcp(port);
    socket.pause();
    socket.write(
      `GET /v1/events?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    await vi.waitFor(async () => expect(await followers()).toBe(true), 10_000);
    const growing = setInterval(() => log.grow(5, { data: { text: "x".repeat(20_000) } }), 2);
    onTestFinished(() => clearInterval(growing));

    await vi.waitFor(async () => expect(await followers()).toBe(false), 15_000);
    socket.resume();
    await until(() => client.isClosed);
  });

  it("is not one that has nothing to read", async () => {
    const idle = Promise.withResolvers<void>();
    async function* lines(): AsyncGenerator<StreamLine> {
      yield { type: "started", time: 1 };
      await idle.promise;
      yield { type: "exit", exitCode: 0, time: 2 };
    }
    const { port } = await tcpApi({ logs: async () => lines() }, { limits: { stallMs: 50 } });
    const response = await askTcp(port, { path: "/v1/services/web/logs?follow=true" });
    const text = textOf(response);
    await new Promise((resolve) => setTimeout(resolve, 300)); // six times what a stall may take
    idle.resolve();

    expect(await text).toContain('"exit"');
  });

  it("is not one that reads slowly", async () => {
    const { lines } = flood(50_000);
    const { port } = await tcpApi({ logs: async () => lines() }, { limits: { stallMs: 300 } });
    const { socket, state } = rawTcp(port);
    socket.write(
      `GET /v1/services/web/logs?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    const breathe = setInterval(() => (socket.isPaused() ? socket.resume() : socket.pause()), 20);
    onTestFinished(() => clearInterval(breathe));
    await until(() => state.text.length > 20_000_000);

    expect(state.isClosed).toBe(false);
  });
});

it("says where it listens, and why it cannot", async () => {
  const { listen, port } = await tcpApi();
  expect(listen).toBe(`127.0.0.1:${port}`);

  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await until(() => taken.listening);
  const { port: theirs } = taken.address() as { port: number };
  const dir = `/tmp/sprite-taken-${process.pid}.sock`;
  const { api } = fakeApi(
    {},
    {
      config: apiConfig({ socketPath: dir, apiListen: { host: "127.0.0.1", port: theirs } }),
    },
  );

  await expect(api.listen()).rejects.toMatchObject({
    code: "socket_unusable",
    message: expect.stringMatching(`cannot listen on 127.0.0.1:${theirs}: .*in use.*--listen`),
  });
  await api.close();
  await expect(ask(dir, "/healthz")).rejects.toThrow();
});

it("listens on every interface of both families", async () => {
  const { port, listen } = await tcpApi(
    {},
    {
      config: apiConfig({
        socketPath: `/tmp/sprite-all-${process.pid}.sock`,
        apiListen: { port: 0 },
      }),
    },
  );

  expect(listen).toMatch(/^(\[::\]|0\.0\.0\.0):\d+$/);
  expect((await answer(port)).status).toBe(200);
});
