import { describe, expect, it } from "vitest";
import { fakeApi, view } from "./fake-services.ts";
import { putRequest as put } from "./requests.ts";

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
