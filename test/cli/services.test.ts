import { afterEach, expect, it } from "vitest";
import {
  cli,
  cliOnTerminal,
  COMPLETE,
  failing,
  fakeDaemon,
  STARTED,
  WEB,
  type Answer,
  type FakeDaemon,
  type Seen,
} from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

async function daemonWith(answers: Record<string, Answer>): Promise<FakeDaemon> {
  daemon = await fakeDaemon(answers);
  return daemon;
}

const bodyOf = (seen: readonly Seen[], index = 0): unknown =>
  JSON.parse(seen[index]?.body ?? "null");

it("create sends the definition and prints the lines as they came", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

  const words = "services create web --cmd python3 --args -m,http.server,3000 --http-port 3000";
  const ran = await cli(words.split(" "), { socket });

  expect(ran).toMatchObject({ code: 0, stdout: STARTED + COMPLETE, stderr: "" });
  expect(seen).toHaveLength(1);
  expect(seen[0]?.url).toBe("/v1/services/web");
  expect(bodyOf(seen)).toEqual({
    cmd: "python3",
    args: ["-m", "http.server", "3000"],
    http_port: 3000,
  });
});

it("create sends every field its flags can give", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/api": () => STARTED + COMPLETE });

  const words = `services create api --cmd ./no-such-file --args=a,,b --arg c,d --arg=--cmd
    --env A=1,B=x=y --env-var C=1,2 --env-var D= --dir /srv --needs db,cache --http-port 80
    --restart on-failure --backoff.first 1s --backoff.factor 1.5 --backoff.max=1m
    --backoff.jitter 0 --backoff.reset-after 2m --health.http http://localhost:80/
    --health.every 5s --health.timeout 1s --health.failures 2 --duration 30s`;
  await cli(words.split(/\s+/), { socket });

  expect(seen[0]?.url).toBe("/v1/services/api?duration=30s");
  expect(bodyOf(seen)).toEqual({
    cmd: "./no-such-file",
    args: ["a", "", "b", "c,d", "--cmd"],
    env: { A: "1", B: "x=y", C: "1,2", D: "" },
    dir: "/srv",
    needs: ["db", "cache"],
    http_port: 80,
    restart: "on-failure",
    backoff: { first: "1s", factor: 1.5, max: "1m", jitter: 0, reset_after: "2m" },
    health: { http: "http://localhost:80/", every: "5s", timeout: "1s", failures: 2 },
  });
});

it("create --no-stream asks for the spawn only", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

  await cli(["services", "create", "web", "--cmd", "true", "--no-stream"], { socket });

  expect(seen[0]?.url).toBe("/v1/services/web?duration=0s");
});

it("create exits with 1 when the service dies while it is watched", async () => {
  const lines = `${STARTED}{"type":"exit","exit_code":1,"timestamp":1780420025035}\n`;
  const { socket } = await daemonWith({ "PUT /v1/services/web": () => lines });

  const ran = await cli(["services", "create", "web", "--cmd", "false"], { socket });

  expect(ran).toMatchObject({ code: 1, stdout: lines });
});

it("start exits with 1 when the program cannot be started", async () => {
  const lines = '{"type":"error","data":"Failed to start service: …","timestamp":1}\n';
  const { socket } = await daemonWith({ "POST /v1/services/web/start": () => lines });

  expect(await cli(["services", "start", "web"], { socket })).toMatchObject({
    code: 1,
    stdout: lines,
  });
});

it("an exit with 0 is a success where the service is stopped by it, else a failure", async () => {
  const lines = `${STARTED}{"type":"exit","exit_code":0,"timestamp":2}\n`;
  const state = { ...WEB.state };
  const { socket } = await daemonWith({
    "POST /v1/services/web/start": () => lines,
    "GET /v1/services/web": () => ({ ...WEB, state }),
  });

  state.phase = "stopped";
  expect((await cli(["services", "start", "web"], { socket })).code).toBe(0);
  state.phase = "crashed";
  expect((await cli(["services", "start", "web"], { socket })).code).toBe(1);
});

it("get prints JSON for people: two spaces, lists on one line, empty ones left out", async () => {
  const { socket } = await daemonWith({ "GET /v1/services/web": () => WEB });

  const { stdout } = await cli(["services", "get", "web"], { socket });

  expect(stdout).toBe(`{
  "name": "web",
  "cmd": "python3",
  "args": ["-m", "http.server", "3000"],
  "http_port": 3000,
  "state": {
    "name": "web",
    "status": "running",
    "pid": 7353,
    "started_at": "2026-06-02T17:11:14.555839485Z",
    "phase": "running",
    "desired": "running",
    "version": 3
  }
}
`);
});

it("list is JSON when piped and a table with the column http_port on a terminal", async () => {
  const { socket } = await daemonWith({ "GET /v1/services": () => [WEB] });

  const piped = await cli(["services", "list"], { socket });
  const seen = await cliOnTerminal(["services", "list"], { socket, env: { NO_COLOR: "1" } });

  expect(JSON.parse(piped.stdout)).toMatchObject([{ name: "web", http_port: 3000 }]);
  expect(seen.stdout).toMatch(/^name +state +pid +uptime +restarts +http_port\r\n/);
  expect(seen.stdout).toMatch(/\r\nweb +running +7353 +\S+ +0 +3000\r\n$/);
});

it("list without services is [] when piped and says how to create one on a terminal", async () => {
  const { socket } = await daemonWith({ "GET /v1/services": () => [] });

  expect((await cli(["services", "list"], { socket })).stdout).toBe("[]\n");
  expect((await cliOnTerminal(["services", "list"], { socket })).stdout).toContain(
    "sprite-env services create web",
  );
});

it("colours only on a terminal without NO_COLOR", async () => {
  const { socket } = await daemonWith({ "GET /v1/services": () => [WEB] });
  const on = (env: Record<string, string>) => cliOnTerminal(["services", "list"], { socket, env });

  expect((await on({ TERM: "xterm" })).stdout).toContain("\u001b[32mrunning");
  expect((await on({ TERM: "xterm", NO_COLOR: "1" })).stdout).not.toContain("\u001b");
});

it("stop prints its lines and sends its options", async () => {
  const lines =
    '{"type":"stopping","timestamp":1}\n{"type":"stopped","exit_code":143,"timestamp":2}\n' +
    COMPLETE;
  const { socket, seen } = await daemonWith({ "POST /v1/services/web/stop": () => lines });

  const words = ["services", "stop", "web", "--timeout", "30s", "--with-dependents"];
  const ran = await cli(words, { socket });

  expect(ran).toMatchObject({ code: 0, stdout: lines });
  expect(seen[0]?.url).toBe("/v1/services/web/stop?timeout=30s&with_dependents=true");
});

it("stop of what is stopped says so and is a success", async () => {
  const { socket } = await daemonWith({
    "POST /v1/services/web/stop": failing(409, "service_stopped", "web is stopped"),
  });

  const ran = await cli(["services", "stop", "web"], { socket });

  expect(ran).toMatchObject({ code: 0, stdout: "", stderr: "web is stopped already\n" });
});

it("several names: what fails for one is said, and the others get their turn", async () => {
  const { socket, seen } = await daemonWith({
    "GET /v1/services": () => [],
    "POST /v1/services/b/start": () => STARTED + COMPLETE,
  });

  const ran = await cli(["services", "start", "nope", "b"], { socket });

  expect(ran).toMatchObject({
    code: 3,
    stdout: STARTED + COMPLETE,
    stderr: 'nope: no service named "nope"\n',
  });
  expect(seen.slice(1).map(({ url }) => url)).toEqual([
    "/v1/services/nope/start",
    "/v1/services/b/start",
  ]);
});

it("restart sends how long a gentle end may take and how long to watch", async () => {
  const { socket, seen } = await daemonWith({
    "POST /v1/services/web/restart": () => STARTED + COMPLETE,
  });

  await cli(["services", "restart", "web", "--timeout", "1s", "--duration", "2s"], { socket });

  expect(seen[0]?.url).toBe("/v1/services/web/restart?duration=2s&timeout=1s");
});

it("signal and delete print nothing", async () => {
  const { socket, seen } = await daemonWith({
    "POST /v1/services/signal": () => undefined,
    "DELETE /v1/services/web": () => undefined,
  });

  const signalled = await cli(["services", "signal", "web", "HUP"], { socket });
  const deleted = await cli(["services", "delete", "web"], { socket });

  expect(signalled).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(deleted).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(bodyOf(seen)).toEqual({ name: "web", signal: "HUP" });
});

it("create warns of an argument that looks like a secret, without repeating it", async () => {
  const { socket } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

  const words = ["services", "create", "web", "--cmd", "app", "--arg", "--password=hunter2"];
  const { stderr, code } = await cli(words, { socket });

  expect(code).toBe(0);
  expect(stderr).toContain("argument 1 looks like a secret");
  expect(stderr).not.toContain("hunter2");
});

it("a program in the current directory is sent by its whole path, unless --dir says where", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });
  const create = (...more: string[]) =>
    cli(["services", "create", "web", "--cmd", "./sh", ...more], { socket, cwd: "/usr/bin" });

  await create();
  await create("--dir", "/srv");

  expect(bodyOf(seen)).toEqual({ cmd: "/usr/bin/sh" });
  expect(bodyOf(seen, 1)).toEqual({ cmd: "./sh", dir: "/srv" });
});

it("--from reads a definition, and flags win over it", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });
  const input = JSON.stringify({
    name: "web",
    cmd: "a",
    args: ["x"],
    env: { A: "1", B: "1" },
    health: { tcp: "localhost:1", failures: 5 },
  });

  const flags = "--cmd b --env-var B=2 --health.http http://localhost/";
  await cli(["services", "create", "web", "--from", "-", ...flags.split(" ")], { socket, input });

  expect(bodyOf(seen)).toEqual({
    cmd: "b",
    args: ["x"],
    env: { A: "1", B: "2" },
    health: { failures: 5, http: "http://localhost/" },
  });
});

it("--all starts what is needed first and stops it last", async () => {
  const services = [
    { ...WEB, name: "app", needs: ["db"] },
    { ...WEB, name: "db" },
    { ...WEB, name: "web", needs: ["app"] },
  ];
  const names = services.map(({ name }) => name);
  const { socket, seen } = await daemonWith({
    "GET /v1/services": () => services,
    ...Object.fromEntries(
      names.map((name) => [`POST /v1/services/${name}/start`, () => STARTED + COMPLETE]),
    ),
    ...Object.fromEntries(names.map((name) => [`POST /v1/services/${name}/stop`, () => COMPLETE])),
  });

  await cli(["services", "start", "--all", "--no-stream"], { socket });
  await cli(["services", "stop", "--all"], { socket });

  const order = seen.flatMap(
    ({ url }) => /services\/(\w+)\/(\w+)/.exec(url)?.slice(1).join(" ") ?? [],
  );
  expect(order).toEqual(["db start", "app start", "web start", "web stop", "app stop", "db stop"]);
});

it.each([
  [["stop"], "NAME is missing: names of services, or --all"],
  [["stop", "web", "--all"], "names and --all contradict each other"],
  [["stop", "--label", "a=b"], "--label is known, but"],
])("refuses %j", async (words, sentence) => {
  const { code, stderr } = await cli(["services", ...words]);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(sentence) });
});
