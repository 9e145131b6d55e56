import { describe, expect, it } from "vitest";
import { fakeApi, view } from "./fake-services.ts";
import { errorOf as error, putRequest as put } from "./requests.ts";

describe("GET /services", () => {
  it("lists services with the names of env alone", async () => {
    const { app } = fakeApi({
      list: () => [
        view({ definition: { cmd: "x", env: { A: "ref" } }, envValues: { A: "hunter2" } }),
      ],
    });
    const response = await app.inject("/v1/services");

    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject([{ name: "web", env_names: ["A"] }]);
    expect(response.body).not.toMatch(/hunter2|ref/);
  });

  it("is an empty array where there are none", async () => {
    expect((await fakeApi({ list: () => [] }).app.inject("/v1/services")).body).toBe("[]");
  });
});

describe("GET /services?label", () => {
  const labelled = (name: string, labels?: Record<string, string>) =>
    view({ name, definition: { cmd: "x", ...(labels && { labels }) } });
  const list = () => [
    labelled("app", { tier: "web", team: "a" }),
    labelled("db", { tier: "data", team: "a", note: "a=b,c" }),
    labelled("plain"),
  ];
  const names = async (query: string) => {
    const response = await fakeApi({ list }).app.inject(`/v1/services?${query}`);
    expect(response.statusCode).toBe(200);
    return response.json<{ name: string }[]>().map(({ name }) => name);
  };

  it.each([
    ["label=tier=web", ["app"]],
    ["label=team%3Da", ["app", "db"]],
    ["label=team=a&label=tier=data", ["db"]],
    ["label=note=a%3Db%2Cc", ["db"]],
    ["label=tier=web&label=tier=data", []],
    ["label=tier=", []],
    ["label=constructor=x", []],
    ["", ["app", "db", "plain"]],
  ])("%s gives those that have all of them", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it.each(["label=tier", "label=", "label==x", "label=-a=b", "label=a=b&label=c", "labels=a=b"])(
    "refuses %s",
    async (query) => {
      const response = await fakeApi({ list }).app.inject(`/v1/services?${query}`);

      expect(response.statusCode).toBe(400);
      expect(error(response)).toMatchObject({ error: "invalid_request" });
    },
  );
});

describe("GET /services/:name", () => {
  it("shows values of env where the caller was given them, and the version as ETag", async () => {
    const { app } = fakeApi({
      get: () =>
        view({ version: 7, definition: { cmd: "x", env: { A: "ref" } }, envValues: { A: "v" } }),
    });
    const response = await app.inject("/v1/services/web");

    expect(response.json()).toMatchObject({ env: { A: "v" }, state: { version: 7 } });
    expect(response.headers["etag"]).toBe('"7"');
  });

  it("is 404 for a name nobody has", async () => {
    const response = await fakeApi().app.inject("/v1/services/api");

    expect(response.statusCode).toBe(404);
    expect(response.json()).toEqual({
      error: "service_not_found",
      message: 'no service named "api"',
    });
  });
});

const patch = (payload: string) => ({
  method: "PATCH" as const,
  url: "/v1/services/web?duration=0",
  payload,
});

describe("PATCH /services/:name", () => {
  it("passes on what is given; null and empty remove", async () => {
    const { app, asked } = fakeApi();
    await app.inject(patch('{"args":["b"],"env":{},"dir":null,"httpPort":null,"health":null}'));

    expect(asked).toMatchObject([
      {
        command: "update",
        args: ["web", { args: ["b"], env: null, dir: null, httpPort: null, health: null }, 0],
      },
    ]);
  });

  it.each([
    '{"cmd":null}',
    '{"cmd":""}',
    '{"cmd":"npm start"}',
    '{"limits":{}}',
    '{"nmae":"web"}',
    "[]",
  ])("refuses %s", async (payload) => {
    const { app, asked } = fakeApi();

    expect((await app.inject(patch(payload))).statusCode).toBe(400);
    expect(asked).toEqual([]);
  });
});

describe("commands on a service", () => {
  it.each([
    ["start", "start", ["web", 5_000]],
    ["start?duration=1s", "start", ["web", 1_000]],
    ["restart", "restart", ["web", 5_000, undefined]],
    ["restart?duration=1s&timeout=2s", "restart", ["web", 1_000, 2_000]],
    ["stop", "stop", ["web", { withDependents: false }]],
    ["stop?timeout=0s", "stop", ["web", { timeoutMs: 0, withDependents: false }]],
    [
      "stop?with_dependents=true&timeout=1m",
      "stop",
      ["web", { timeoutMs: 60_000, withDependents: true }],
    ],
  ])("POST %s", async (path, command, args) => {
    const { app, asked } = fakeApi();
    const response = await app.inject({ method: "POST", url: `/v1/services/web/${path}` });

    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("application/x-ndjson");
    expect(asked).toMatchObject([{ command, args }]);
  });

  it.each([
    "start?timeout=1s",
    "stop?duration=1s",
    "stop?timeout=-1s",
    "stop?with_dependents=maybe",
    "restart?timeout=x",
  ])("POST %s is refused", async (path) => {
    const { app, asked } = fakeApi();

    expect((await app.inject({ method: "POST", url: `/v1/services/web/${path}` })).statusCode).toBe(
      400,
    );
    expect(asked).toEqual([]);
  });

  it("take an empty object for a body, and no other", async () => {
    const { app, asked } = fakeApi();
    const send = (payload: string) =>
      app.inject({ method: "POST", url: "/v1/services/web/start", payload });

    expect((await send("{}")).statusCode).toBe(200);
    const refused = await send('{"duration":"5s"}');
    expect(refused.statusCode).toBe(400);
    expect(error(refused)["message"]).toBe("there is no duration: nothing is expected here");
    expect(asked).toHaveLength(1);
  });

  it("DELETE answers 204 without a body", async () => {
    const { app, asked } = fakeApi();
    const response = await app.inject({ method: "DELETE", url: "/v1/services/web" });

    expect([response.statusCode, response.body]).toEqual([204, ""]);
    expect(asked).toMatchObject([{ command: "remove", args: ["web"] }]);
  });
});

describe("GET /services/:name/logs", () => {
  it.each([
    ["", { followMs: 0 }],
    ["?lines=100", { lines: 100, followMs: 0 }],
    ["?lines=0&duration=10s", { lines: 0, followMs: 10_000 }],
    ["?follow=true", { followMs: Infinity }],
    ["?follow=true&duration=1s", { followMs: 1_000 }],
    ["?follow=false&duration=1s", { followMs: 0 }],
  ])("%s", async (query, options) => {
    const { app, asked } = fakeApi();
    await app.inject(`/v1/services/web/logs${query}`);

    expect(asked).toMatchObject([{ command: "logs", args: ["web", options] }]);
  });

  it.each(["?lines=-1", "?lines=many", "?lines=1.5", "?duration=-1s", "?follow=maybe", "?tail=5"])(
    "refuses %s",
    async (query) => {
      expect((await fakeApi().app.inject(`/v1/services/web/logs${query}`)).statusCode).toBe(400);
    },
  );

  it("does not run for HEAD", async () => {
    const { app, asked } = fakeApi();

    expect((await app.inject({ method: "HEAD", url: "/v1/services/web/logs" })).statusCode).toBe(
      405,
    );
    expect(asked).toEqual([]);
  });
});

const start = (headers: Record<string, string>) => ({
  method: "POST" as const,
  url: "/v1/services/web/start",
  headers,
});

describe("conditions of a request", () => {
  it.each([
    ['"3"', 3],
    ["3", 3],
    ["*", "*"],
  ])("If-Match %s", async (value, ifMatch) => {
    const { app, asked } = fakeApi();
    await app.inject(start({ "if-match": value }));

    expect(asked[0]?.caller.ifMatch).toBe(ifMatch);
  });

  it.each(['W/"3"', '"a"', '"1", "2"', "-1", '"99999999999999999999"'])(
    "refuses If-Match %s",
    async (value) => {
      const { app, asked } = fakeApi();
      const response = await app.inject(start({ "if-match": value }));

      expect(response.statusCode).toBe(400);
      expect(error(response)["message"]).toContain("If-Match is");
      expect(asked).toEqual([]);
    },
  );

  it("gives an idempotency key the hash of the request it stands for", async () => {
    const { app, asked } = fakeApi();
    const headers = { "idempotency-key": "k-1" };
    await app.inject({ ...put({ cmd: "x" }), headers });
    await app.inject({ ...put({ cmd: "x" }), headers });
    await app.inject({ ...put({ cmd: "y" }), headers });
    await app.inject(start(headers));
    const requests = asked.map(({ caller }) => caller.key?.request);

    expect(asked.map(({ caller }) => caller.key?.value)).toEqual(["k-1", "k-1", "k-1", "k-1"]);
    expect(requests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(requests[1]).toBe(requests[0]);
    expect(new Set(requests).size).toBe(3);
  });

  it.each(["", "x".repeat(256), "ü"])("refuses the idempotency key %j", async (value) => {
    expect((await fakeApi().app.inject(start({ "idempotency-key": value }))).statusCode).toBe(400);
  });

  it("says uid:unknown where the kernel does not tell", async () => {
    const { app, asked } = fakeApi({}, { peerUid: () => undefined });
    await app.inject(start({}));

    expect(asked[0]?.caller.actor).toBe("uid:unknown");
  });
});
