import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, it, vi } from "vitest";
import { startThread } from "../../src/logs/thread.ts";
import { runShell, start, startLogs, tempDir, textsIn, until } from "./harness.ts";
import { limits, modes } from "./limits.ts";

const workers: Worker[] = [];

vi.mock("node:worker_threads", async (importActual) => {
  const actual = await importActual<typeof import("node:worker_threads")>();
  class Known extends actual.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  }
  return { ...actual, Worker: Known };
});

it("starts the thread again where it ends by itself, reads on and says what may be missing", async () => {
  const { logs, incidents } = await startLogs();
  const seen: string[] = [];
  logs.follow("web", (_, { text }) => seen.push(text));
  const { stdout } = await logs.open("web", "in_1");
  const script = `exec 1<>${stdout}; echo before; read x; echo meanwhile; exec sleep 60`;
  const writer = start("sh", ["-c", script], "pipe");
  await until("the line is there", () => seen.length === 1);
  await workers.at(-1)?.terminate();
  writer.stdin?.end("\n");
  await until("it reads on", () => seen.includes("meanwhile"));
  writer.kill("SIGKILL");
  await logs.finish("in_1", 10_000);
  expect(incidents.some(({ message }) => message.startsWith("the log thread ended"))).toBe(true);
  const missing = expect.stringMatching(/^\[sprite-env\] gap: output may be missing since /);
  expect(textsIn(logs.fileOf("web"))).toEqual(["before", missing, "meanwhile"]);
});

it("goes on waiting for a text where the thread ends by itself", async () => {
  const { logs } = await startLogs();
  let times = 0;
  const awaited = { text: "ready", seen: () => void (times += 1) };
  const { stdout } = await logs.open("web", "in_1", awaited);
  const held = openSync(stdout, "r+"); // as a service that lives: what is in a pipe that nobody holds is gone
  await workers.at(-1)?.terminate();
  await runShell({ stdout, stderr: stdout }, "echo ready");
  await until("it is seen", () => times === 1);
  await workers.at(-1)?.terminate();
  await runShell({ stdout, stderr: stdout }, "echo ready");
  const read = () => textsIn(logs.fileOf("web")).filter((text) => text === "ready");
  await until("the second is read", () => read().length === 2);
  closeSync(held);
  await logs.finish("in_1", 10_000);
  expect(times).toBe(1);
});

it("answers what it was asked while the thread was gone", async () => {
  const { logs } = await startLogs();
  await workers.at(-1)?.terminate();
  await logs.note("web", "x");
  expect(textsIn(logs.fileOf("web"))).toEqual(["x"]);
});

it("can be closed while the thread is gone", async () => {
  const { logs } = await startLogs();
  await workers.at(-1)?.terminate();
  await logs.close();
  await expect(logs.note("web", "x")).rejects.toMatchObject({ code: "shutting_down" });
});

it("closes no descriptor of the main thread when the log thread ends", async () => {
  const { logs } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "echo x");
  await logs.finish("in_1", 5000); // frees the numbers of its pipes
  const ours = Array.from({ length: 30 }, () => openSync("/dev/null", "r")); // take them
  await logs.close();
  for (const fd of ours) expect(() => closeSync(fd)).not.toThrow();
});

it("says why where the thread cannot be started at all", async () => {
  const directory = tempDir();
  const places = { logDir: join(directory, "missing"), runDir: directory };
  const events = { message: () => {}, ended: () => {}, startedAgain: () => {} };
  const broken = {
    ...limits,
    ...modes,
    ...places,
    totalBytes: "x" as never,
    keep: Symbol("x") as never,
  };
  await expect(startThread(broken, events)).rejects.toThrow(/could not be cloned/);
});
