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
    --env A=1,B=x=y --env-var C=1,2 --env-var D= --env-file /srv/app.env --dir /srv --user app
    --group 33 --umask 0027 --needs db,cache --http-port 80
    --restart on-failure --success-exit-codes 0,3 --backoff.first 1s --backoff.factor 1.5
    --backoff.max=1m --backoff.jitter 0 --backoff.reset-after 2m --max-failures 5 --window 10m
    --stop-signal SIGINT --stop-timeout 2s --stop-command ./stop,-f,now
    --ready.http http://localhost:80/ready --ready-timeout 90s --health.http http://localhost:80/
    --health.every 5s --health.timeout 1s --health.failures 2 --oneshot --labels tier=web,team=a
    --label note=a,b=c --label empty= --duration 30s`;
  await cli(words.split(/\s+/), { socket });

  expect(seen[0]?.url).toBe("/v1/services/api?duration=30s");
  expect(bodyOf(seen)).toEqual({
    cmd: "./no-such-file",
    args: ["a", "", "b", "c,d", "--cmd"],
    env: { A: "1", B: "x=y", C: "1,2", D: "" },
    env_file: "/srv/app.env",
    dir: "/srv",
    user: "app",
    group: "33",
    umask: "0027",
    needs: ["db", "cache"],
    http_port: 80,
    restart: "on-failure",
    success_exit_codes: [0, 3],
    backoff: { first: "1s", factor: 1.5, max: "1m", jitter: 0, reset_after: "2m" },
    max_failures: 5,
    window: "10m",
    stop_signal: "SIGINT",
    stop_timeout: "2s",
    stop_command: ["./stop", "-f", "now"],
    ready: { http: "http://localhost:80/ready" },
    ready_timeout: "90s",
    health: { http: "http://localhost:80/", every: "5s", timeout: "1s", failures: 2 },
    oneshot: true,
    labels: { tier: "web", team: "a", note: "a,b=c", empty: "" },
  });
});

it.each([
  ["--ready.tcp localhost:5432", { tcp: "localhost:5432" }],
  ["--ready.tcp 5432", { tcp: 5432 }],
  ["--ready.exec pg_isready,-q", { exec: ["pg_isready", "-q"] }],
  ["--ready.log started", { log: "started" }],
  ["--ready.notify", { notify: true }],
  ["--ready.fd 3", { fd: 3 }],
])("create %s gives that way to be ready", async (flags, ready) => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/db": () => STARTED + COMPLETE });

  await cli(["services", "create", "db", "--cmd", "x", ...flags.split(" ")], { socket });

  expect(bodyOf(seen)).toEqual({ cmd: "x", ready });
});

it("create makes the paths of --env-file and --dir whole", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

  const words = ["services", "create", "web", "--cmd", "x", "--env-file", "app.env", "--dir", "."];
  await cli(words, { socket, cwd: "/usr/lib" });

  expect(bodyOf(seen)).toEqual({ cmd: "x", env_file: "/usr/lib/app.env", dir: "/usr/lib" });
});

it.each([
  ["--umask 0888", '--umask is "0888": allowed is an octal number from 0 to 0777, such as 0027'],
  ["--success-exit-codes 0,x", "allowed is whole numbers from 0 to 255 with commas between"],
  ["--success-exit-codes 256", '--success-exit-codes is "256"'],
  ["--max-failures 0", "--max-failures is"],
  ["--window soon", '--window is "soon": allowed is a duration'],
  ["--stop-timeout -1s", '--stop-timeout is "-1s"'],
  ["--ready.fd 2", '--ready.fd is "2": allowed is a whole number from 3 to 1023'],
  ["--ready x", "there is no flag --ready"],
  ["--ready.htp x", "did you mean --ready.http?"],
  ["--labels a", 'part 1 of --labels has no "="'],
  ["--label a", '--label needs NAME=VALUE, and one has no "="'],
  ["--label a=1 --labels a=2", "the label a is given twice"],
  ["--limits.memory 1G", "--limits.memory is known, but this release does not act on it yet"],
  ["--schedule daily", "--schedule is known, but"],
  ["--http-autostart always", "--http-autostart is known, but"],
])("create refuses %s and sends nothing", async (flags, sentence) => {
  const { socket, seen } = await daemonWith({});
  const words = ["services", "create", "web", "--cmd", "x", ...flags.split(" ")];

  const { code, stdout, stderr } = await cli(words, { socket });

  expect(stderr).toContain(sentence);
  expect({ code, stdout, seen }).toEqual({ code: 2, stdout: "", seen: [] });
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

it.each([
  [3, [0, 3], 0],
  [3, undefined, 1],
  [0, [3], 1],
])(
  "an exit with %i where %j are a success gives %i",
  async (exit_code, success_exit_codes, code) => {
    const lines = `${STARTED}{"type":"exit","exit_code":${exit_code},"timestamp":2}\n`;
    const { socket } = await daemonWith({
      "POST /v1/services/web/start": () => lines,
      "GET /v1/services/web": () => ({
        ...WEB,
        success_exit_codes,
        state: { ...WEB.state, phase: "stopped" },
      }),
    });

    expect((await cli(["services", "start", "web"], { socket })).code).toBe(code);
  },
);

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
  expect(seen.stdout).toMatch(/^name +state +uptime +restarts +last exit +pid +http_port\r\n/);
  expect(seen.stdout).toMatch(/\r\nweb +running +\S+ +0 +7353 +3000\r\n$/);
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

/** A line as it is printed where several services are worked on. */
const named = (lines: string, name: string): string =>
  lines.replaceAll('"timestamp"', `"name":"${name}","timestamp"`);

it("several names: what fails for one is said, and the others get their turn", async () => {
  const { socket, seen } = await daemonWith({
    "GET /v1/services": () => [],
    "POST /v1/services/b/start": () => STARTED + COMPLETE,
  });

  const ran = await cli(["services", "start", "nope", "b"], { socket });

  expect(ran).toMatchObject({
    code: 3,
    stdout: named(STARTED + COMPLETE, "b"),
    stderr: 'sprite-env: no service named "nope"\n',
  });
  const starts = seen.flatMap(({ url }) => (url.endsWith("/start") ? [url] : []));
  expect(starts.toSorted()).toEqual(["/v1/services/b/start", "/v1/services/nope/start"]);
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

it.each([
  [["--arg", "--password=hunter2"], "argument 1 looks like a secret"],
  [["--arg", "-v", "--arg", "postgres://me:hunter2@db/x"], "argument 2 looks like a secret"],
  [["--stop-command", "stop,--token=hunter2"], "argument 1 of stop_command looks like a secret"],
  [["--ready.exec", "ask,x,api-key=hunter2"], "argument 2 of ready.exec looks like a secret"],
  [
    ["--arg", "secret=hunter2", "--health.exec", "ask,token:hunter2"],
    "argument 1 and argument 1 of health.exec look like a secret",
  ],
])("create warns of %j, without repeating it", async (flags, sentence) => {
  const { socket } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

  const words = ["services", "create", "web", "--cmd", "app", ...flags];
  const { stderr, code } = await cli(words, { socket });

  expect(code).toBe(0);
  expect(stderr).toContain(sentence);
  expect(stderr).not.toContain("hunter2");
});

it.each([["--password-file=/run/x"], ["--token"], ["x=y"], ["https://example.com/token"]])(
  "create does not warn of %s",
  async (arg) => {
    const { socket } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });

    const { stderr } = await cli(["services", "create", "web", "--cmd", "app", "--arg", arg], {
      socket,
    });

    expect(stderr).toBe("");
  },
);

it("create --from hands on what is no list of arguments: the daemon says what is wrong with it", async () => {
  const { socket, seen } = await daemonWith({ "PUT /v1/services/web": () => STARTED + COMPLETE });
  const wrong = { cmd: "x", args: "--token=a", stop_command: [5], ready: "soon", health: null };

  const words = ["services", "create", "web", "--from", "-"];
  const { code, stderr } = await cli(words, { socket, input: JSON.stringify(wrong) });

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(bodyOf(seen)).toEqual(wrong);
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

/** A list as the daemon gives it: all services, or those with the labels of the query. */
const labelled =
  (services: readonly { name: string; labels?: Record<string, string> }[]): Answer =>
  ({ url }) => {
    const wanted = new URL(url, "http://x").searchParams.getAll("label");
    return services.filter(({ labels = {} }) =>
      wanted.every((text) =>
        Object.entries(labels).some(([name, value]) => text === `${name}=${value}`),
      ),
    );
  };

const LABELLED = [
  { ...WEB, name: "app", needs: ["db"], labels: { tier: "web", team: "a" } },
  { ...WEB, name: "db", labels: { tier: "data", team: "a" } },
  { ...WEB, name: "page", needs: ["app"], labels: { tier: "web", team: "b" } },
];

async function labelledDaemon(): Promise<FakeDaemon> {
  const verbs = LABELLED.flatMap(({ name }): [string, Answer][] => [
    [`POST /v1/services/${name}/start`, () => STARTED + COMPLETE],
    [`POST /v1/services/${name}/stop`, () => COMPLETE],
    [`POST /v1/services/${name}/restart`, () => COMPLETE],
    [`DELETE /v1/services/${name}`, () => undefined],
  ]);
  return daemonWith({ "GET /v1/services": labelled(LABELLED), ...Object.fromEntries(verbs) });
}

it.each([
  [
    ["start", "--label", "team=a"],
    ["db", "app"],
  ],
  [
    ["restart", "--label", "tier=web"],
    ["app", "page"],
  ],
  [
    ["stop", "--label", "team=a"],
    ["app", "db"],
  ],
  [["stop", "--label", "tier=web", "--label", "team=b"], ["page"]],
  [
    ["delete", "--label", "tier=web"],
    ["page", "app"],
  ],
  [
    ["delete", "--all"],
    ["page", "app", "db"],
  ],
  [
    ["delete", "db", "app"],
    ["app", "db"],
  ],
  [
    ["start", "app", "db"],
    ["db", "app"],
  ],
])("%j acts on those that are meant, in the order of their needs", async (words, names) => {
  const { socket, seen } = await labelledDaemon();

  const { code } = await cli(["services", ...words], { socket });

  const acted = seen.filter(({ method }) => method !== "GET");
  expect(acted.map(({ url }) => /services\/(\w+)/.exec(url)?.[1])).toEqual(names);
  expect(code).toBe(0);
});

it("list --label asks the daemon for those that have all the labels", async () => {
  const { socket, seen } = await labelledDaemon();

  const words = ["services", "list", "--label", "tier=web", "--label", "team=a"];
  const { stdout } = await cli(words, { socket });

  expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)).toEqual(["app"]);
  expect(seen[0]?.url).toBe("/v1/services?label=tier%3Dweb&label=team%3Da");
});

it("list of a label that no service has says so to people, and is [] for programs", async () => {
  const { socket } = await labelledDaemon();
  const words = ["services", "list", "--label", "tier=none"];

  expect((await cli(words, { socket })).stdout).toBe("[]\n");
  expect((await cliOnTerminal(words, { socket })).stdout).toBe(
    "no service has the label tier=none\r\n",
  );
});

it("a label that no service has is said, and nothing is done", async () => {
  const { socket, seen } = await labelledDaemon();

  const { code, stderr } = await cli(["services", "stop", "--label", "tier=none"], { socket });

  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: "sprite-env: no service has the label tier=none\n",
  });
  expect(seen.filter(({ method }) => method !== "GET")).toEqual([]);
});

it.each([
  [["stop"], "NAME is missing: names of services, --label or --all"],
  [["delete"], "NAME is missing: names of services, --label or --all"],
  [["stop", "web", "--all"], "names and --all contradict each other"],
  [["delete", "--label", "a=b", "--all"], "--all and --label contradict each other"],
  [["start", "web", "--label", "a=b"], "names and --label contradict each other"],
  [["stop", "--label", "a"], '--label needs NAME=VALUE, and one has no "="'],
  [["list", "--label", "a"], '--label needs NAME=VALUE, and one has no "="'],
  [["stop", "--label", "a=1", "--label", "a=2"], "the label a is given twice"],
])("refuses %j", async (words, sentence) => {
  const { code, stderr } = await cli(["services", ...words]);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(sentence) });
});
