import { once } from "node:events";
import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { tailLines } from "../../src/logs/read.ts";
import { runShell, start, startLogs, tempDir, textsIn, until } from "./harness.ts";

const missing = /^\[sprite-env\] gap: output may be missing since (.+)$/;
const daemonFile = new URL("./daemon.ts", import.meta.url).pathname;

/** A daemon of its own that reads an incarnation of `web`, to be killed. */
async function startDaemon(directory: string) {
  const daemon = start(process.execPath, [daemonFile, directory, "web", "in_1"]);
  if (!daemon.stdout) throw new Error("no stdout");
  const [line] = (await once(createInterface(daemon.stdout), "line")) as [string];
  const kill = async (): Promise<void> => {
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
  };
  return { kill, pipes: JSON.parse(line) as { stdout: string; stderr: string } };
}

it("reads on after a SIGKILL of the daemon, behind a record of the gap", async () => {
  const directory = tempDir();
  const { kill, pipes } = await startDaemon(directory);
  const file = join(directory, "logs", "web.log");
  const writer = start("sh", [
    "-c",
    `exec 1<>${pipes.stdout} 2<>${pipes.stderr}; echo before; while [ ! -e ${directory}/go ]; do sleep 0.01; done; echo meanwhile; touch ${directory}/done; while [ -e ${directory}/go ]; do sleep 0.01; done; echo after`,
  ]);
  await until(
    "the first line is in the log",
    () => readdirSync(join(directory, "logs")).length > 0 && textsIn(file).length === 1,
  );
  await kill();
  await runShell(pipes, `touch ${directory}/go`);
  await until("it wrote with no daemon there", () => readdirSync(directory).includes("done"));
  const { logs, logDir } = await startLogs(directory);
  await logs.reopen("web", "in_1");
  unlinkSync(join(directory, "go"));
  await until("the writer ended", () => writer.exitCode === 0);
  expect(await logs.finish("in_1", 10_000)).toMatchObject({ lines: 2, droppedBytes: 0 });
  expect(textsIn(file)).toEqual(["before", expect.stringMatching(missing), "meanwhile", "after"]);
  const [first, gap] = await tailLines(logDir, "web", 4);
  expect(missing.exec(gap?.text ?? "")?.[1]).toBe(new Date(first?.time ?? 0).toISOString());
});

it("does nothing where the pipes are gone, and can still be asked to finish", async () => {
  const { logs, logDir } = await startLogs();
  await logs.reopen("web", "in_gone");
  expect(readdirSync(logDir)).toEqual([]);
  expect(await logs.finish("in_gone", 1000)).toEqual({ offset: 0, lines: 0, droppedBytes: 0 });
});

it("says from when on output may be missing also where nothing was written yet", async () => {
  const directory = tempDir();
  const { kill } = await startDaemon(directory);
  await kill();
  const { logs } = await startLogs(directory);
  await logs.reopen("web", "in_1");
  await logs.finish("in_1", 1000);
  expect(textsIn(logs.fileOf("web"))).toEqual([
    "[sprite-env] gap: output may be missing since the service was started",
  ]);
});

it("reopens what is open already only once", async () => {
  const { logs } = await startLogs();
  const pipes = await logs.open("web", "in_1");
  await logs.reopen("web", "in_1");
  await runShell(pipes, "echo once");
  await logs.finish("in_1", 5000);
  expect(textsIn(logs.fileOf("web"))).toEqual(["once"]);
});

it("refuses to finish what was never opened", async () => {
  const { logs } = await startLogs();
  await expect(logs.finish("in_unknown", 10)).rejects.toMatchObject({ code: "not_found" });
});
