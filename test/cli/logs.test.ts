import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import {
  builtCli,
  cli,
  cliOnTerminal,
  fakeDaemon,
  type Answer,
  type FakeDaemon,
} from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

const line = (type: string, timestamp: number, data: string): string =>
  `${JSON.stringify({ type, data: `${data}\n`, timestamp })}\n`;

async function daemonWith(answers: Record<string, Answer>): Promise<FakeDaemon> {
  daemon = await fakeDaemon(answers);
  return daemon;
}

it("prints lines as they stand in the file, all of them where nobody says how many", async () => {
  const lines =
    line("stderr", 1780420277821, '"GET / HTTP/1.1" 200 -') + line("stdout", 1780420277900, "");
  const { socket, seen } = await daemonWith({
    "GET /v1/services/web/logs": () => `${lines}{"type":"complete","timestamp":1}\n`,
  });

  const { stdout } = await cli(["services", "logs", "web"], { socket });

  expect(stdout).toBe(
    '2026-06-02T17:11:17.821Z [stderr] "GET / HTTP/1.1" 200 -\n2026-06-02T17:11:17.900Z [stdout] \n',
  );
  expect(seen[0]?.url).toBe("/v1/services/web/logs");
});

it("several services: in the order of their times, each line with its name", async () => {
  const { socket } = await daemonWith({
    "GET /v1/services/a/logs": () => line("stdout", 1, "one") + line("stdout", 4, "four"),
    "GET /v1/services/long/logs": () => line("stdout", 2, "two") + line("stdout", 3, "three"),
  });

  const { stdout } = await cli(["services", "logs", "a", "long"], { socket });

  expect(stdout.split("\n").map((text) => text.replace(/ 1970\S+ \[stdout\]/, ""))).toEqual([
    "a    | one",
    "long | two",
    "long | three",
    "a    | four",
    "",
  ]);
});

it("-n, -f and --duration go to the daemon; what is followed begins with 10 lines", async () => {
  const { socket, seen } = await daemonWith({ "GET /v1/services/web/logs": () => "" });

  await cli(["services", "logs", "-n", "100", "web"], { socket });
  await cli(["services", "logs", "-f", "web"], { socket });
  await cli(["services", "logs", "-n0", "--duration", "1s", "web"], { socket });

  expect(seen.map(({ url }) => url.split("?")[1])).toEqual([
    "lines=100",
    "lines=10&follow=true",
    "lines=0&duration=1s",
  ]);
});

it("--json prints the lines as they came", async () => {
  const lines = line("stdout", 1, "x") + '{"type":"complete","timestamp":2}\n';
  const { socket } = await daemonWith({ "GET /v1/services/web/logs": () => lines });

  expect((await cli(["services", "logs", "web", "--json"], { socket })).stdout).toBe(lines);
});

it("a followed log is printed as it comes, and Ctrl-C ends it as it ends any program", async () => {
  const { socket } = await daemonWith({
    "GET /v1/services/web/logs": (_request, response) => {
      response.write(line("stdout", 1, "first"));
      return response; // stays open
    },
  });
  const child = spawn(process.execPath, [await builtCli(), "services", "logs", "-f", "web"], {
    env: { SPRITE_ENV_SOCKET: socket },
  });

  const [piece] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGINT");
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];

  expect(piece.toString()).toContain("[stdout] first");
  expect({ code, signal }).toEqual({ code: null, signal: "SIGINT" });
});

it("on a terminal a service that wrote nothing is said to be silent; when piped nothing is", async () => {
  const { socket } = await daemonWith({
    "GET /v1/services/web/logs": () => '{"type":"complete","timestamp":1}\n',
  });

  expect((await cliOnTerminal(["services", "logs", "web"], { socket })).stdout).toBe(
    "web has written nothing that is kept\r\n",
  );
  expect(await cli(["services", "logs", "web"], { socket })).toMatchObject({
    stdout: "",
    stderr: "",
  });
});
