import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/base/errors.ts";
import { builtCli, cli, failing, fakeDaemon, run, SOURCE, temporary } from "./harness.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function folder(): string {
  const { path, remove } = temporary();
  cleanups.push(remove);
  return path;
}

it.each([
  [["services", "creat", "web"], 'no verb "creat": did you mean "sprite-env services create"?'],
  [["list"], 'no verb "list": did you mean "sprite-env services list"?'],
  [["services", "rm", "web"], 'no verb "rm": did you mean "sprite-env services delete"?'],
  [["servces"], 'no verb "servces": did you mean "sprite-env services"?'],
  [["services", "frobnicate"], "known are create, list"],
  [["services", "create", "web", "--limits.memory", "1G", "--cmd", "x"], "is known, but"],
  [["services", "create", "web"], "--cmd is missing"],
  [["services", "list", "--jsn"], "did you mean --json?"],
  [["services", "list", "web"], 'unexpected "web"'],
  [["services", "--socket", "x", "list"], "flags come after it"],
  [["services", "logs", "web", "-n", "many"], '--lines is "many"'],
  [["services", "create", "web", "--cmd", "x", "--env", "A=1,secret"], "part 2 of --env has no"],
  [["services", "create", "web", "--cmd", "x", "--no-stream", "--duration", "1s"], "contradict"],
  [["services", "update", "web", "--socket", "/nowhere"], "tried /nowhere"],
  [["curl", "-k", "/v1/services"], "-k is not supported here"],
  [["curl"], "a path is missing"],
])("refuses %j with a sentence that tells what to do", async (words, sentence) => {
  const { code, stdout, stderr } = await cli(words);

  expect(stderr).toContain(sentence);
  expect(stdout).toBe("");
  expect(code).toBe(sentence.startsWith("tried") ? 7 : 2);
});

it("a group without a verb is no success, and shows what there is", async () => {
  const { code, stdout, stderr } = await cli(["services"]);

  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("create");
});

it("values of variables are not repeated in what is refused", async () => {
  const words = ["services", "create", "web", "--cmd", "x", "--env", "KEY=hunter2,hunter3"];

  expect((await cli(words)).stderr).not.toContain("hunter");
});

const STATUSES: [number, ErrorCode, number][] = [
  [400, "invalid_request", 2],
  [400, "not_built_yet", 2],
  [401, "unauthorized", 6],
  [404, "service_not_found", 3],
  [409, "service_not_running", 3],
  [409, "http_port_taken", 4],
  [409, "service_needed", 4],
  [412, "version_conflict", 4],
  [504, "timed_out", 5],
  [507, "storage_full", 1],
  [500, "internal", 1],
];

it.each(STATUSES)(
  "an answer %i %s is told in its own words, exit code %3$i",
  async (status, error, code) => {
    const message = `${ERRORS[error]}, says the daemon`;
    const daemon = await fakeDaemon({ "GET /v1/services/web": failing(status, error, message) });
    cleanups.push(daemon.close);

    const ran = await cli(["services", "get", "web"], { socket: daemon.socket });

    expect(ran).toMatchObject({ code, stdout: "", stderr: `sprite-env: ${message}\n` });
  },
);

it("no daemon: says which sockets were tried, why, and how to start one", async () => {
  const home = folder();
  const runtime = join(home, "run");

  const { code, stderr } = await cli(["services", "list"], {
    env: { HOME: home, XDG_RUNTIME_DIR: runtime },
  });

  expect(code).toBe(7);
  expect(stderr).toContain(`${runtime}/sprite-env/api.sock (not there)`);
  expect(stderr).toContain("/.sprite/api.sock");
  expect(stderr).toContain("sprite-env serve");
});

it("a socket that a killed daemon left behind: nobody listens any more", async () => {
  const socket = join(folder(), "api.sock");
  const leaveBehind = `require("net").createServer().listen(${JSON.stringify(socket)},()=>process.kill(process.pid,"SIGKILL"))`;
  await run(process.execPath, ["-e", leaveBehind]);

  const { code, stderr } = await cli(["services", "list"], { socket });

  expect(code).toBe(7);
  expect(stderr).toContain(`tried ${socket} (nobody listens any more)`);
});

it("permission denied names socket_mode and socket_group", async () => {
  const socket = join(folder(), "api.sock");
  const server = createServer().listen(socket);
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  chmodSync(socket, 0o000);
  const caps = "-dac_override,-dac_read_search";
  const plain =
    process.getuid?.() === 0 ? ["setpriv", `--bounding-set=${caps}`, `--inh-caps=${caps}`] : [];
  const command = [...plain, process.execPath, await builtCli(), "services", "list"];

  const { code, stderr } = await run(command[0] ?? "", command.slice(1), { socket });

  expect(stderr).toContain(`permission denied on ${socket}`);
  expect(stderr).toContain("socket_mode and socket_group");
  expect(code).toBe(6);
});

it("a socket path the kernel does not take is refused with its limit", async () => {
  const socket = `/tmp/${"x".repeat(110)}`;

  const { code, stderr } = await cli(["services", "list", "--socket", socket]);

  expect(code).toBe(2);
  expect(stderr).toContain("has 115 bytes, and the kernel takes 107");
});

it("something else that listens there is not taken for a daemon", async () => {
  const socket = join(folder(), "api.sock");
  const server = createServer((connection) => connection.end("220 mail.example ESMTP\r\n")).listen(
    socket,
  );
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));

  const { code, stderr } = await cli(["services", "list"], { socket });

  expect(code).toBe(7);
  expect(stderr).toContain("is no sprite-env daemon");
});

it("a daemon that dies in the middle of a stream: what came is printed, exit code 7", async () => {
  const daemon = await fakeDaemon({
    "PUT /v1/services/web": (_request, response) => {
      response.write('{"type":"started","timestamp":1}\n', () => response.destroy());
      return response;
    },
  });
  cleanups.push(daemon.close);

  const ran = await cli(["services", "create", "web", "--cmd", "x"], { socket: daemon.socket });

  expect(ran.stdout).toBe('{"type":"started","timestamp":1}\n');
  expect(ran.stderr).toContain("in the middle of its reply");
  expect(ran.code).toBe(7);
});

it.each([
  ["no JSON", "{", "is no JSON"],
  ["a list", "[]", "must hold one JSON object"],
  ["another name", '{"name":"other","cmd":"x"}', 'defines "other"'],
])("--from with %s is refused", async (_what, content, sentence) => {
  const path = join(folder(), "web.json");
  writeFileSync(path, content);

  const { code, stderr } = await cli(["services", "create", "web", "--from", path]);

  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
});

it("a reader that leaves early ends the program without a word", async () => {
  const services = Array.from({ length: 5_000 }, (_, index) => ({ name: `s${index}`, state: {} }));
  const daemon = await fakeDaemon({ "GET /v1/services": () => services });
  cleanups.push(daemon.close);
  const script = `set -o pipefail; '${process.execPath}' '${await builtCli()}' services list | head -n 1`;

  const ran = await run("bash", ["-c", script], { socket: daemon.socket });

  expect(ran).toMatchObject({ stdout: "[\n", stderr: "", code: 141 });
});

it("without a verb flags are the daemon's, and it refuses them in its own words", async () => {
  const state = join(folder(), "state");
  mkdirSync(dirname(state), { recursive: true });

  const { code, stderr } = await run(process.execPath, [
    SOURCE,
    "-no-such-flag",
    "--state-dir",
    state,
  ]);

  expect(stderr).toContain("no-such-flag");
  expect(code).toBe(2);
});
