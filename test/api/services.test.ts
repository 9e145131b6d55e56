import { describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { complete, fakeApi, linesOf, view } from "./fake-services.ts";

const put = (body: unknown, query = "") => ({
  method: "PUT" as const,
  url: `/v1/services/web${query}`,
  payload: JSON.stringify(body),
});

const error = (response: { json(): unknown }) => response.json() as Record<string, unknown>;

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

describe("PUT /services/:name", () => {
  it("passes the definition on and streams what comes of it", async () => {
    const { app, asked } = fakeApi();
    const response = await app.inject(
      put({
        cmd: "python3",
        args: ["-m", "http.server"],
        env: { A: "1" },
        dir: "/srv",
        needs: ["db"],
        http_port: 3000,
        restart: "on-failure",
        backoff: { first: "1s", factor: 3, max: "1m", jitter: 0, reset_after: "10s" },
        health: { http: "http://localhost:3000/healthz", every: "5s", timeout: "1s", failures: 2 },
      }),
    );

    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      "content-type": "application/x-ndjson",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "sprite-version": "1.2.3",
    });
    expect(response.body).toBe(
      '{"type":"complete","log_files":{"combined":"/logs/web.log","stderr":"/logs/web.log","stdout":"/logs/web.log"},"timestamp":9}\n',
    );
    expect(asked).toEqual([
      {
        command: "put",
        caller: { actor: "uid:1000", full: true },
        args: [
          "web",
          {
            cmd: "python3",
            args: ["-m", "http.server"],
            env: { A: "1" },
            dir: "/srv",
            needs: ["db"],
            httpPort: 3000,
            restart: "on-failure",
            backoff: { firstMs: 1000, factor: 3, maxMs: 60_000, jitter: 0, resetAfterMs: 10_000 },
            health: {
              probe: { kind: "http", port: 3000, path: "/healthz" },
              everyMs: 5_000,
              timeoutMs: 1_000,
              failures: 2,
            },
          },
          5_000,
        ],
      },
    ]);
  });

  it("takes null and empty for absent, and leaves aside what GET shows beside the definition", async () => {
    const { app, asked } = fakeApi();
    const body = {
      name: "web",
      cmd: "x",
      args: [],
      env: {},
      needs: null,
      dir: null,
      http_port: null,
      backoff: {},
    };
    await app.inject(put({ ...body, state: { status: "running", pid: 4 } }));

    expect(asked[0]?.args[1]).toEqual({ cmd: "x" });
  });

  it("takes back what GET gave, as the same definition", async () => {
    const definition = {
      cmd: "x",
      args: ["a"],
      env: { A: "v" },
      dir: "/d",
      needs: ["db"],
      httpPort: 80,
      restart: "never" as const,
      backoff: { firstMs: 1, factor: 1.5, maxMs: 61_001, jitter: 0.5, resetAfterMs: 0 },
      health: {
        probe: { kind: "tcp" as const, port: 5432, host: "::1" },
        everyMs: 1_500,
        timeoutMs: 90_000,
        failures: 1,
      },
    };
    const { app, asked } = fakeApi({ get: () => view({ definition, envValues: definition.env }) });
    const { body } = await app.inject("/v1/services/web");
    await app.inject({ method: "PUT", url: "/v1/services/web", payload: body });

    expect(asked[0]?.args[1]).toEqual(definition);
  });

  it.each([
    ["", 5_000],
    ["?duration=0s", 0],
    ["?duration=1m30s", 90_000],
    ["?duration=5.0s", 5_000],
    ["?timeout=2s", 2_000],
    ["?timeout=2s&duration=2s", 2_000],
  ])("watches for %j %d ms", async (query, ms) => {
    const { app, asked } = fakeApi();
    await app.inject(put({ cmd: "x" }, query));

    expect(asked[0]?.args[2]).toBe(ms);
  });

  it("takes http_port in camel case, too", async () => {
    const { app, asked } = fakeApi();
    await app.inject(put({ cmd: "x", httpPort: 80 }));
    await app.inject(put({ cmd: "x", httpPort: 80, http_port: 80 }));

    expect(asked.map(({ args }) => args[1])).toEqual([
      { cmd: "x", httpPort: 80 },
      { cmd: "x", httpPort: 80 },
    ]);
  });

  it("takes JSON whatever content type comes with it", async () => {
    const { app, asked } = fakeApi();
    for (const type of [
      "application/json",
      "application/x-www-form-urlencoded",
      "text/plain; charset=x",
    ]) {
      await app.inject({ ...put({ cmd: "x" }), headers: { "content-type": type } });
    }
    expect(asked).toHaveLength(3);
  });

  it.each([
    [{ http: { port: 80 } }, { kind: "http", port: 80, path: "/" }],
    [
      { http: { port: 80, path: "/h?x=1", host: "10.0.0.1" } },
      { kind: "http", port: 80, path: "/h?x=1", host: "10.0.0.1" },
    ],
    [{ http: "http://[::1]/a" }, { kind: "http", port: 80, path: "/a", host: "::1" }],
    [{ tcp: 5432 }, { kind: "tcp", port: 5432 }],
    [{ tcp: ":5432" }, { kind: "tcp", port: 5432 }],
    [{ tcp: "localhost:5432" }, { kind: "tcp", port: 5432 }],
    [{ tcp: "[::1]:5432" }, { kind: "tcp", port: 5432, host: "::1" }],
    [{ tcp: { port: 1, host: "db" } }, { kind: "tcp", port: 1, host: "db" }],
    [{ exec: ["pg_isready", "-q"] }, { kind: "exec", command: ["pg_isready", "-q"] }],
  ])("reads the health check %j", async (health, probe) => {
    const { app, asked } = fakeApi();
    await app.inject(put({ cmd: "x", health }));

    expect(asked[0]?.args[1]).toEqual({ cmd: "x", health: { probe } });
  });
});

describe("PUT refuses", () => {
  const ALLOWED_NAME = /allowed is 1 to 63 of A-Z/;
  it.each([
    [{}, "cmd", /^cmd field is required$/],
    [{ cmd: "" }, "cmd", /^cmd field is required$/],
    [{ cmd: null }, "cmd", /cmd is null: allowed is the program alone/],
    [{ cmd: 5 }, "cmd", /cmd is 5/],
    [{ cmd: "a\0b" }, "cmd", /cmd is "a\\u0000b"/],
    [{ cmd: "x".repeat(4_097) }, "cmd", /cmd is "x{76}…: allowed/],
    [{ cmdd: "x" }, "cmdd", /^there is no cmdd: did you mean cmd\?$/],
    [{ cmd: "x", arguments: [] }, "arguments", /^there is no arguments: known are name, cmd, args/],
    [{ cmd: "x", args: "a,b" }, "args", /args is "a,b": allowed is a list of texts/],
    [
      { cmd: "x", args: ["a", 5] },
      "args[1]",
      /args\[1\] is 5: allowed is text of at most 131071 characters/,
    ],
    [{ cmd: "x", args: ["a\0"] }, "args[0]", /args\[0\]/],
    [{ cmd: "x", env: ["A=1"] }, "env", /env is not an object of names with texts/],
    [
      { cmd: "x", env: { "1A": "x" } },
      "env",
      /env has the name "1A": allowed is letters, digits and _/,
    ],
    [{ cmd: "x", env: { "A=B": "x" } }, "env", /env has the name "A=B"/],
    [{ cmd: "x", env: { A: 5 } }, "env.A", /^env\.A is not text of at most/],
    [{ cmd: "x", env: { A: "b\0" } }, "env.A", /^env\.A is not text/],
    [
      { cmd: "x", env_names: ["A"] },
      "env_names",
      /names without values cannot be written: give env/,
    ],
    [{ cmd: "x", dir: "relative" }, "dir", /dir is "relative": allowed is an absolute path/],
    [{ cmd: "x", dir: "/a\0" }, "dir", /dir is/],
    [
      { cmd: "x", needs: "db" },
      "needs",
      /needs is "db": allowed is a list of at most 100 different names/,
    ],
    [{ cmd: "x", needs: ["a/b"] }, "needs[0]", ALLOWED_NAME],
    [{ cmd: "x", needs: ["a", "a"] }, "needs", /different names/],
    [
      { cmd: "x", http_port: 0 },
      "http_port",
      /http_port is 0: allowed is a whole number from 1 to 65535/,
    ],
    [{ cmd: "x", http_port: 65_536 }, "http_port", /65536/],
    [{ cmd: "x", http_port: "80" }, "http_port", /http_port is "80"/],
    [
      { cmd: "x", http_port: 80, httpPort: 81 },
      "httpPort",
      /httpPort is 81: allowed is the same as http_port \(80\)/,
    ],
    [
      { cmd: "x", restart: "sometimes" },
      "restart",
      /restart is "sometimes": allowed is one of always, on-failure, never/,
    ],
    [
      { cmd: "x", backoff: { frist: "1s" } },
      "backoff.frist",
      /there is no backoff\.frist: did you mean first\?/,
    ],
    [
      { cmd: "x", backoff: { max: "-1s" } },
      "backoff.max",
      /backoff\.max is "-1s": allowed is a duration such as/,
    ],
    [
      { cmd: "x", backoff: { max: 30 } },
      "backoff.max",
      /backoff\.max is 30: allowed is a duration/,
    ],
    [{ cmd: "x", backoff: { max: "600h" } }, "backoff.max", /backoff\.max is "600h"/],
    [
      { cmd: "x", backoff: { first: "1m" } },
      "backoff.first",
      /backoff\.first is "1m0s": allowed is at most backoff\.max, 30s/,
    ],
    [{ cmd: "x", backoff: { factor: 0.5 } }, "backoff.factor", /from 1 to 100/],
    [{ cmd: "x", backoff: { jitter: 2 } }, "backoff.jitter", /from 0 to 1/],
    [
      { cmd: "x", health: {} },
      "health",
      /health is \[\]: allowed is exactly one of http, tcp and exec|health/,
    ],
    [
      { cmd: "x", health: { every: "1s" } },
      "health",
      /health is \["every"\]: allowed is exactly one of http, tcp and exec/,
    ],
    [{ cmd: "x", health: { tcp: 1, exec: ["x"] } }, "health", /exactly one/],
    [
      { cmd: "x", health: { http: "https://x/" } },
      "health.http",
      /health\.http is "https:\/\/x\/": allowed is a URL such as/,
    ],
    [{ cmd: "x", health: { http: "http://u:p@x/" } }, "health.http", /without a password/],
    [{ cmd: "x", health: { http: "http://x:0/" } }, "health.http", /health\.http/],
    [{ cmd: "x", health: { http: { path: "/" } } }, "health.http", /allowed is a URL such as/],
    [{ cmd: "x", health: { tcp: "db:0" } }, "health.tcp", /a port from 1 to 65535/],
    [{ cmd: "x", health: { tcp: "db:99999" } }, "health.tcp", /a port from 1 to 65535/],
    [{ cmd: "x", health: { tcp: "db" } }, "health.tcp", /allowed is a port, "localhost:5432"/],
    [{ cmd: "x", health: { exec: [] } }, "health.exec", /a program and its arguments as a list/],
    [{ cmd: "x", health: { exec: [""] } }, "health.exec[0]", /a program/],
    [{ cmd: "x", health: { tcp: 1, every: "0s" } }, "health.every", /more than 0/],
    [{ cmd: "x", health: { tcp: 1, failures: 0 } }, "health.failures", /from 1 to 1000/],
    [{ cmd: "x", name: "api" }, "name", /name is "api": allowed is the name in the path, web/],
    [{ cmd: "x", __proto__x: 1 }, "__proto__x", /there is no __proto__x/],
  ])("%j", async (body, field, message) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put(body));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({
      error: "invalid_request",
      field,
      message: expect.stringMatching(message),
      allowed: expect.any(String),
    });
    expect(asked).toEqual([]);
  });

  it.each([
    "user",
    "group",
    "umask",
    "env_file",
    "success_exit_codes",
    "max_failures",
    "window",
    "stop_signal",
    "stop_timeout",
    "stop_command",
    "ready",
    "ready_timeout",
    "limits",
    "oneshot",
    "schedule",
    "watch",
    "labels",
    "http_autostart",
  ])("%s by name, since nothing acts on it yet", async (field) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put({ cmd: "x", [field]: "y" }));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({
      error: "not_built_yet",
      field,
      message: `${field} is known, but this release does not act on it yet: leave it out`,
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ["", /the body is missing: expected is a JSON object with at least cmd/],
    ["null", /the body is missing/],
    ["[]", /the body is \[\]: allowed is a JSON object/],
    ['"cmd"', /the body is "cmd"/],
    ['{"cmd":', /the body is not JSON/],
    ['{"cmd":"x","__proto__":{"a":1}}', /there is no __proto__/],
  ])("the body %j", async (payload, message) => {
    const response = await fakeApi().app.inject({
      method: "PUT",
      url: "/v1/services/web",
      payload,
    });

    expect(response.statusCode).toBe(400);
    expect(error(response)["message"]).toMatch(message);
  });

  it("values of env without repeating them", async () => {
    const response = await fakeApi().app.inject(put({ cmd: "x", env: { TOKEN: "hunter2\0" } }));

    expect(response.statusCode).toBe(400);
    expect(response.body).not.toContain("hunter2");
  });

  it("arguments in cmd, saying where they go", async () => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put({ cmd: "npm start" }));

    expect(response.statusCode).toBe(400);
    expect(error(response)["message"]).toBe(
      'cmd is "npm start", and there is no file of that name: cmd is the program alone, arguments go in args (--cmd npm --args "start")',
    );
    expect(asked).toEqual([]);
  });

  it.each([
    "?duration=-1s",
    "?duration=5",
    "?duration=",
    "?duration=1s&duration=2s",
    "?timeout=1s&duration=2s",
    "?duraton=5s",
    "?x=1",
  ])("the query %s", async (query) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(put({ cmd: "x" }, query));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({
      error: "invalid_request",
      field: expect.stringMatching(/^(dura|time|x)/),
    });
    expect(asked).toEqual([]);
  });

  it.each(["a%2Fb", "-web", ".web", "signal", "a%20b", "%C3%BC", "a%00", "x".repeat(64)])(
    "the name %s, whatever is asked of it",
    async (name) => {
      const { app, asked } = fakeApi();
      const url = `/v1/services/${name}`;
      const all = await Promise.all([
        app.inject({ method: "PUT", url, payload: '{"cmd":"x"}' }),
        app.inject({ method: "DELETE", url }),
        app.inject({ method: "POST", url: `${url}/start` }),
        app.inject(`${url}/logs`),
        app.inject({
          method: "POST",
          url: "/v1/services/signal",
          payload: JSON.stringify({ name: decodeURIComponent(name), signal: "HUP" }),
        }),
      ]);

      expect(all.map((response) => response.statusCode)).toEqual([400, 400, 400, 400, 400]);
      for (const response of all) {
        expect(error(response)).toMatchObject({
          field: "name",
          message: expect.stringMatching(ALLOWED_NAME),
        });
      }
      expect(asked).toEqual([]);
    },
  );

  it("with the status of the command's own refusal, and its facts", async () => {
    const { app } = fakeApi({
      put: async () => {
        throw new AppError(
          "http_port_taken",
          "another service already has an HTTP port configured",
          {
            details: { service: "api" },
          },
        );
      },
    });
    const response = await app.inject(put({ cmd: "x" }));

    expect(response.statusCode).toBe(409);
    expect(response.headers["content-type"]).toContain("application/json");
    expect(response.json()).toEqual({
      error: "http_port_taken",
      message: "another service already has an HTTP port configured",
      service: "api",
    });
  });
});

describe("PATCH /services/:name", () => {
  const patch = (payload: string) => ({
    method: "PATCH" as const,
    url: "/v1/services/web?duration=0",
    payload,
  });

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
    '{"labels":{}}',
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
    const start = (payload: string) =>
      app.inject({ method: "POST", url: "/v1/services/web/start", payload });

    expect((await start("{}")).statusCode).toBe(200);
    const refused = await start('{"duration":"5s"}');
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

describe("POST /services/signal", () => {
  const signal = (body: unknown) => ({
    method: "POST" as const,
    url: "/v1/services/signal",
    payload: JSON.stringify(body),
  });

  it.each([
    ["HUP", "HUP"],
    ["SIGTERM", "TERM"],
    ["sigusr1", "USR1"],
    ["9", "KILL"],
    ["winch", "WINCH"],
    ["IOT", "ABRT"],
    ["POLL", "IO"],
    ["CLD", "CHLD"],
    ["RTMIN", "RTMIN"],
    ["SIGRTMIN+3", "RTMIN+3"],
    ["RTMAX-1", "RTMIN+29"],
    ["RTMAX", "RTMIN+30"],
  ])("sends %s as %s", async (given, sent) => {
    const { app, asked } = fakeApi();
    const response = await app.inject(signal({ name: "web", signal: given }));

    expect([response.statusCode, response.body]).toEqual([204, ""]);
    expect(asked).toMatchObject([{ command: "signal", args: ["web", sent] }]);
  });

  it.each(["FOO", "0", "99", "RTMIN+31", "RTMIN-1", "SIG", "TERM "])(
    "refuses %j, listing what there is",
    async (given) => {
      const { app, asked } = fakeApi();
      const response = await app.inject(signal({ name: "web", signal: given }));

      expect(response.statusCode).toBe(400);
      expect(error(response)["message"]).toMatch(
        /^signal is ".*": allowed is one of HUP, INT, .*RTMIN to RTMIN\+30$/,
      );
      expect(asked).toEqual([]);
    },
  );

  it.each([
    [{ name: "web" }, "signal"],
    [{ signal: "HUP" }, "name"],
    [{ name: "web", signal: "" }, "signal"],
    [{ name: "web", signal: 9 }, "signal"],
  ])("refuses %j", async (body, field) => {
    const response = await fakeApi().app.inject(signal(body));

    expect(response.statusCode).toBe(400);
    expect(error(response)).toMatchObject({ error: "invalid_request", field });
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

describe("conditions of a request", () => {
  const start = (headers: Record<string, string>, url = "/v1/services/web/start") => ({
    method: "POST" as const,
    url,
    headers,
  });

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

it("answers a command whose stream has many lines with each on its own", async () => {
  const { app } = fakeApi({
    start: async () =>
      linesOf(
        { type: "started", time: 1 },
        { type: "stdout", data: "a\n", time: 2 },
        { type: "exit", exitCode: 1, time: 3 },
        complete,
      ),
  });
  const { body } = await app.inject({ method: "POST", url: "/v1/services/web/start" });

  expect(body.split("\n").slice(0, 3)).toEqual([
    '{"type":"started","timestamp":1}',
    '{"type":"stdout","data":"a\\n","timestamp":2}',
    '{"type":"exit","exit_code":1,"timestamp":3}',
  ]);
});
