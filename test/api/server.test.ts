import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { apiConfig, fakeApi } from "./fake-services.ts";
import { ask, liveApi, textOf } from "./socket-fixture.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

async function live(...args: Parameters<typeof liveApi>) {
  const api = await liveApi(...args);
  ends.push(api.end);
  return api;
}

/** Sends bytes as they are, and resolves with all that comes back. */
function raw(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(socketPath, () => socket.write(bytes));
    socket.on("data", (data) => (text += data.toString()));
    socket.once("close", () => resolve(text)).once("error", reject);
  });
}

it("answers /healthz with the version, also to HEAD", async () => {
  const { app } = fakeApi();

  expect((await app.inject("/healthz")).json()).toEqual({ status: "ok", version: "1.2.3" });
  expect((await app.inject({ method: "HEAD", url: "/healthz" })).statusCode).toBe(200);
});

it.each(["/services/web", "/v1/services/web", "/v1/services/web/", "/v1/sprites/box/services/web"])(
  "has the service at %s",
  async (url) => {
    expect((await fakeApi().app.inject(url)).json()).toMatchObject({ name: "web" });
  },
);

it("has no other sprite", async () => {
  const { app, asked } = fakeApi();
  const response = await app.inject({
    method: "PUT",
    url: "/v1/sprites/other/services/web",
    payload: "not even JSON",
  });

  expect(response.statusCode).toBe(404);
  expect(response.json()).toEqual({
    error: "not_found",
    message: 'there is no sprite named "other" here: this one is "box"',
  });
  expect(asked).toEqual([]);
});

it.each([
  "/",
  "/v1",
  "/v2/services",
  "/v1/services/a/b",
  "/v1/services/web/start/now",
  "/nope?x=1",
])("answers %s with 404 in the usual shape", async (url) => {
  const response = await fakeApi().app.inject(url);

  expect(response.statusCode).toBe(404);
  expect(response.json()).toEqual({
    error: "not_found",
    message: `there is no ${url.split("?")[0]}`,
  });
});

it.each([
  ["POST", "/v1/services", "GET, HEAD"],
  ["DELETE", "/services", "GET, HEAD"],
  ["POST", "/v1/services/web", "GET, HEAD, PUT, PATCH, DELETE"],
  ["GET", "/v1/services/web/start", "POST"],
  ["PUT", "/v1/services/web/stop", "POST"],
  ["OPTIONS", "/v1/services/web/restart", "POST"],
  ["POST", "/v1/services/web/logs", "GET"],
  ["POST", "/healthz", "GET, HEAD"],
  ["DELETE", "/v1/sprites/box/events", "GET"],
] as const)("answers %s %s with 405 and what is allowed", async (method, url, allow) => {
  const response = await fakeApi().app.inject({ method, url });

  expect(response.statusCode).toBe(405);
  expect(response.headers["allow"]).toBe(allow);
  expect(response.json()).toMatchObject({
    error: "method_not_allowed",
    message: expect.stringContaining(`not ${method}`),
  });
});

it("sends its version with every answer", async () => {
  const { app } = fakeApi();
  const all = await Promise.all(
    [
      "/healthz",
      "/v1/services",
      "/v1/services/nobody",
      "/nope",
      "/v1/services/%zz",
      `/${"x".repeat(2_000)}`,
      "/v1/services/web/logs",
    ].map((url) => app.inject(url)),
  );

  expect(all.map((response) => response.headers["sprite-version"])).toEqual(all.map(() => "1.2.3"));
});

it("hides the insides of a bug, and has them in the log under an id", async () => {
  const { app, logged } = fakeApi({
    list: () => {
      throw new TypeError("secret is not iterable");
    },
  });
  const response = await app.inject("/v1/services");
  const body = response.json() as { id: string };

  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({
    error: "internal",
    message: `a bug in sprite-env: its log has the details under id ${body.id}`,
    id: body.id,
  });
  expect(JSON.parse(logged.at(-1) ?? "")).toMatchObject({
    id: body.id,
    request: "GET /v1/services",
    err: { message: "secret is not iterable", stack: expect.stringContaining("server.test.ts") },
  });
});

it("tells for how long to wait after 503", async () => {
  const { app } = fakeApi({
    list: () => {
      throw new AppError("busy", "the queue of commands is full");
    },
  });
  const response = await app.inject("/v1/services");

  expect([response.statusCode, response.headers["retry-after"]]).toEqual([503, "1"]);
});

describe("on a socket", () => {
  it("takes any host, and none", async () => {
    const { socketPath } = await live();
    const named = await ask(socketPath, "/healthz", { headers: { host: "sprite" } });
    const nameless = await raw(socketPath, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");

    expect(named.statusCode).toBe(200);
    expect(nameless).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("asks the kernel once a connection who is there", async () => {
    let questions = 0;
    const peerUid = (): number => {
      questions += 1;
      return 7;
    };
    const { socketPath, asked } = await live({}, { peerUid });
    const start = "POST /v1/services/web/start HTTP/1.1\r\nContent-Length: 0\r\n";
    await raw(socketPath, `${start}\r\n${start}Connection: close\r\n\r\n`);

    expect(asked.map(({ caller }) => caller.actor)).toEqual(["uid:7", "uid:7"]);
    expect(questions).toBe(1);
  });

  it.each([
    ["with its length", {}],
    ["without", { "transfer-encoding": "chunked" }],
  ])("refuses a body of 10 MB sent %s, and the client gets to read why", async (_, headers) => {
    const { socketPath, asked } = await live();
    const body = Buffer.alloc(10_000_000, "x");
    const response = await ask(socketPath, "/v1/services/web", { method: "PUT", body, headers });

    expect(response.statusCode).toBe(413);
    expect(JSON.parse(await textOf(response))).toEqual({
      error: "body_too_large",
      message: "the request body is over 1048576 bytes",
      limit: 1_048_576,
    });
    expect(asked).toEqual([]);
    expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);
  });

  it.each([
    ["what is not HTTP", "hello\r\n\r\n", "400 Bad Request"],
    [
      "headers over 16 kB",
      `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 Request Header Fields Too Large",
    ],
  ])("refuses %s in the usual shape", async (_, bytes, status) => {
    const { socketPath } = await live();
    const answer = await raw(socketPath, bytes);
    const [head = "", body = ""] = answer.split("\r\n\r\n");

    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\nSprite-Version: 1\\.2\\.3`));
    expect(JSON.parse(body)).toMatchObject({
      error: "invalid_request",
      message: expect.any(String),
    });
  });

  it("lets a request go that is never finished, and one that is never begun", async () => {
    const { app, socketPath } = await live();
    app.server.headersTimeout = 50; // as the default does after ten seconds
    const answer = await raw(socketPath, "GET /healthz HTTP/1.1\r\nX: ");

    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout/);
    expect(answer).toContain('{"error":"invalid_request"');
  });

  it("answers while a command hangs", async () => {
    const { socketPath } = await live({ remove: () => new Promise(() => {}) });
    const hanging = ask(socketPath, "/v1/services/web", { method: "DELETE" }).catch(
      (error: unknown) => error,
    );

    expect((await ask(socketPath, "/healthz")).statusCode).toBe(200);
    await ends.pop()?.();
    expect(await hanging).toBeInstanceOf(Error);
  });

  it("is gone after it was closed", async () => {
    const { socketPath, api } = await live();
    await textOf(await ask(socketPath, "/healthz"));
    await api.close();

    await expect(ask(socketPath, "/healthz")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("refuses to take the place of another", async () => {
    const first = await live();
    const second = fakeApi({}, { config: apiConfig({ socketPath: first.socketPath }) });

    await expect(second.api.listen()).rejects.toMatchObject({ code: "daemon_running" });
    await second.api.close();
    expect((await ask(first.socketPath, "/healthz")).statusCode).toBe(200);
  });
});
