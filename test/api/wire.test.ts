import { describe, expect, it } from "vitest";
import { checker } from "../../src/config/checker.ts";
import { serviceList, serviceView, streamLine } from "../../src/api/view-schemas.ts";
import { lineWire } from "../../src/api/stream-lines.ts";
import { listedServices, nanoTime, oneService, STATUS_OF_PHASE } from "../../src/api/wire.ts";
import { complete, view } from "./fake-services.ts";

const started = Date.UTC(2026, 5, 2, 17, 11, 14, 555);

const full = view({
  name: "app",
  definition: {
    httpPort: 3000,
    health: { probe: { kind: "http", port: 3000, path: "/h" }, everyMs: 5_000 },
    backoff: { maxMs: 60_000, firstMs: 500 },
    restart: "on-failure",
    needs: ["db"],
    dir: "/srv",
    env: { B: "ref-b", A: "ref-a" },
    args: ["-m", "x"],
    cmd: "python3",
  },
  envValues: { B: "2", A: "1" },
  version: 4,
  phase: "crashed",
  desired: "running",
  pid: 7353,
  startedAt: started,
  error: "exited with code 7",
  restartCount: 3,
  nextRestartAt: started + 1_500,
  waitingFor: ["db"],
  flags: ["crash-looping"],
  lastExit: { code: 7 },
});

it("shows a service with the documentation's keys in their order, then ours", () => {
  expect(JSON.stringify(oneService(full), null, 1)).toBe(
    JSON.stringify(
      {
        name: "app",
        cmd: "python3",
        args: ["-m", "x"],
        env: { B: "2", A: "1" },
        dir: "/srv",
        needs: ["db"],
        http_port: 3000,
        restart: "on-failure",
        backoff: { first: "500ms", max: "1m0s" },
        health: { http: "http://localhost:3000/h", every: "5s" },
        state: {
          name: "app",
          status: "starting",
          pid: 7353,
          started_at: "2026-06-02T17:11:14.555000000Z",
          error: "exited with code 7",
          restart_count: 3,
          next_restart_at: "2026-06-02T17:11:16.055000000Z",
          phase: "crashed",
          desired: "running",
          flags: ["crash-looping"],
          waiting_for: ["db"],
          last_exit: { code: 7 },
          version: 4,
        },
      },
      null,
      1,
    ),
  );
});

it("leaves out what is empty, but args and needs", () => {
  expect(oneService(view({ phase: "stopped", desired: "stopped" }))).toEqual({
    name: "web",
    cmd: "python3",
    args: [],
    needs: [],
    state: { name: "web", status: "stopped", phase: "stopped", desired: "stopped", version: 1 },
  });
});

it("shows names of env in lists, and where values were not given", () => {
  const { envValues: _, ...withoutValues } = full;

  expect(listedServices([full])[0]).toMatchObject({ env_names: ["B", "A"] });
  expect(listedServices([full])[0]).not.toHaveProperty("env");
  expect(oneService(withoutValues)).toMatchObject({ env_names: ["B", "A"] });
  expect(JSON.stringify([listedServices([full]), oneService(withoutValues)])).not.toContain("ref-");
});

it("says the wire's word for each phase", () => {
  expect(STATUS_OF_PHASE).toEqual({
    pending: "starting",
    starting: "starting",
    running: "running",
    crashed: "starting",
    restarting: "stopping",
    stopping: "stopping",
    stopped: "stopped",
    failed: "failed",
  });
});

describe("the last exit", () => {
  it.each([
    [{ code: 0 }, { code: 0 }],
    [
      { signal: "SEGV", core: true },
      { signal: "SEGV", core: true },
    ],
    [
      { signal: "KILL", core: false, oom: true },
      { signal: "KILL", oom: true },
    ],
    [{ spawnError: "ENOENT" }, { spawn_error: "ENOENT" }],
    [{}, { unknown: true }],
  ])("%j", (lastExit, last_exit) => {
    expect(oneService(view({ lastExit })).state.last_exit).toEqual(last_exit);
  });
});

it("pads times to nine fraction digits", () => {
  expect(nanoTime(0)).toBe("1970-01-01T00:00:00.000000000Z");
});

it("keeps what it shows within its schemas", () => {
  expect(checker(serviceView)(oneService(full))).toBeUndefined();
  expect(checker(serviceList)(listedServices([full, view()]))).toBeUndefined();
  expect(checker(streamLine)(lineWire(complete))).toBeUndefined();
  expect(checker(serviceView)({ ...oneService(full), extra: 1 })).toMatchObject({ field: "extra" });
});
