import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createHistogram } from "../../src/base/histogram.ts";
import type { MetricsSource } from "../../src/api/metrics/source.ts";
import { fakeApi } from "./fake-services.ts";
import { FakeLog } from "./fake-log.ts";

type Gauges = ReturnType<MetricsSource["services"]>[number];

const gauges = (change: Partial<Gauges> = {}): Gauges => ({
  name: "web",
  phase: "running",
  desired: "running",
  restarts: 3,
  crashLooping: false,
  quarantined: false,
  ...change,
});

function measuring(services: Gauges[] = []) {
  const commits = createHistogram([0.001, 0.01]);
  const metrics: MetricsSource = {
    services: () => services,
    log: () => ({ first: 5, last: 70, bytes: 4_096 }),
    commits,
    queue: () => ({ inputs: 4, commands: 2 }),
  };
  const { app } = fakeApi({}, { metrics, events: new FakeLog() });
  const scrape = async () => (await app.inject("/metrics")).body.split("\n");
  return { app, commits, services, scrape };
}

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

it.skipIf(!hasPromtool)("promtool has nothing to say about it", async () => {
  const { app, commits, scrape } = measuring([
    gauges({ lastExitCode: 143, startedAt: 1_780_500_000_123 }),
    gauges({ name: "db", phase: "failed", desired: "stopped", crashLooping: true }),
  ]);
  commits.observe(0.5);
  await app.inject("/v1/services");
  const input = (await scrape()).join("\n");
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input,
    encoding: "utf8",
  });

  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
});

it("is text in the format of Prometheus", async () => {
  const { app } = measuring();
  const { headers, statusCode } = await app.inject("/metrics");

  expect(statusCode).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
});

it("has each service as it is at the scrape, and none that is gone", async () => {
  const { scrape, services } = measuring([gauges({ lastExitCode: 143, startedAt: 1_500 })]);
  const before = await scrape();

  expect(before).toEqual(
    expect.arrayContaining([
      'sprite_env_services{phase="running"} 1',
      'sprite_env_services{phase="failed"} 0',
      'sprite_env_service_up{service="web"} 1',
      'sprite_env_service_desired{service="web"} 1',
      'sprite_env_service_crash_looping{service="web"} 0',
      'sprite_env_service_restarts_total{service="web"} 3',
      'sprite_env_service_last_exit_code{service="web"} 143',
      'sprite_env_service_start_time_seconds{service="web"} 1.5',
    ]),
  );
  services.splice(0, 1, gauges({ name: "db", phase: "crashed", crashLooping: true, restarts: 0 }));
  const after = await scrape();

  expect(after.filter((line) => line.includes('"web"'))).toEqual([]);
  expect(after).toEqual(
    expect.arrayContaining([
      'sprite_env_services{phase="running"} 0',
      'sprite_env_services{phase="crashed"} 1',
      'sprite_env_service_up{service="db"} 0',
      'sprite_env_service_restarts_total{service="db"} 0',
    ]),
  );
  expect(after.filter((line) => line.startsWith("sprite_env_service_last_exit_code{"))).toEqual([]);
});

it("has the event log, what waits, and how long commits take", async () => {
  const { commits, scrape } = measuring();
  for (const seconds of [0.0005, 0.001, 0.002, 5]) commits.observe(seconds);

  expect(await scrape()).toEqual(
    expect.arrayContaining([
      "sprite_env_event_log_first_seq 5",
      "sprite_env_event_log_last_seq 70",
      "sprite_env_event_log_bytes 4096",
      'sprite_env_queue_length{kind="all"} 4',
      'sprite_env_queue_length{kind="command"} 2',
      'sprite_env_commit_duration_seconds_bucket{le="0.001"} 2',
      'sprite_env_commit_duration_seconds_bucket{le="0.01"} 3',
      'sprite_env_commit_duration_seconds_bucket{le="+Inf"} 4',
      "sprite_env_commit_duration_seconds_sum 5.0035",
      "sprite_env_commit_duration_seconds_count 4",
    ]),
  );
});

describe("requests", () => {
  it("are counted by method, route and status, under all prefixes as one", async () => {
    const { app, scrape } = measuring();
    for (const url of ["/v1/services", "/services", "/v1/sprites/box/services"])
      await app.inject(url);
    await app.inject("/v1/services/nobody");
    await app.inject("/v1/services/nobody-else");
    await app.inject({ method: "POST", url: "/v1/services/web/start" });

    const lines = await scrape();
    expect(lines).toEqual(
      expect.arrayContaining([
        'sprite_env_http_requests_total{method="GET",route="/services",status="200"} 3',
        'sprite_env_http_requests_total{method="GET",route="/services/:name",status="404"} 2',
        'sprite_env_http_requests_total{method="POST",route="/services/:name/start",status="200"} 1',
        'sprite_env_http_request_duration_seconds_count{method="GET",route="/services"} 3',
      ]),
    );
    expect(lines.filter((line) => /duration.*start/.test(line))).toEqual([]); // a stream
  });

  it("to nowhere make one series, however many paths and methods there are", async () => {
    const { app, scrape } = measuring();
    for (let n = 0; n < 200; n++) await app.inject(`/nowhere/${n}`);
    for (const method of ["OPTIONS", "TRACE", "SEARCH", "PROPFIND"] as const) {
      await app.inject({ method: method as "OPTIONS", url: "/v1/services" });
    }
    const series = (await scrape()).filter((line) =>
      line.startsWith("sprite_env_http_requests_total{"),
    );

    expect(series).toContain(
      'sprite_env_http_requests_total{method="GET",route="none",status="404"} 200',
    );
    expect(series.length).toBeLessThan(6);
  });
});

it("has the process", async () => {
  const { scrape } = measuring();
  const names = (await scrape()).map((line) => line.split(/[ {]/)[0]);

  expect(names).toEqual(
    expect.arrayContaining([
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
      "process_open_fds",
      "sprite_env_event_loop_busy_seconds_total",
    ]),
  );
});
