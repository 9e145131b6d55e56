import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runShell, start, startLogs, tempDir, textsIn, until } from "./harness.ts";

/** Directories of pipes that are ready: the second pipe is made last. */
const ready = (runDir: string): string[] =>
  readdirSync(runDir).filter(
    (name) => name.startsWith(".ready-") && existsSync(join(runDir, name, "err")),
  );

const numbersIn = (directory: string): number[] =>
  ["out", "err"].map((name) => statSync(join(directory, name)).ino);

/** A log thread with its stock made. */
async function startStocked(directory = tempDir()) {
  const running = await startLogs(directory);
  await running.logs.open("first", "in_first");
  await until("pipes are ready", () => ready(running.runDir).length === 4);
  return running;
}

it("makes nothing ahead before the first service is started", async () => {
  const { logs, runDir } = await startLogs();
  await logs.note("web", "x");
  expect(readdirSync(runDir)).toEqual([]);
});

it("gives each of many incarnations pipes of its own, whether they were ready or not", async () => {
  const { logs, runDir } = await startStocked();
  const before = ready(runDir).flatMap((name) => numbersIn(join(runDir, name)));
  const ids = Array.from({ length: 10 }, (_, n) => `in_${n}`);
  const opened = await Promise.all(ids.map((id) => logs.open(id, id)));
  const numbers = ids.flatMap((id) => numbersIn(join(runDir, id)));
  expect(new Set(numbers).size).toBe(20);
  expect(before.every((number) => numbers.includes(number))).toBe(true); // the ready ones were taken
  await Promise.all(opened.map((pipes, n) => runShell(pipes, `echo ${n}`)));
  await Promise.all(ids.map((id) => logs.finish(id, 5000)));
  expect(ids.map((id) => textsIn(logs.fileOf(id)).join())).toEqual(ids.map((id) => id.slice(3)));
});

it("never gives the pipes of a finished incarnation to another", async () => {
  const { logs, runDir } = await startStocked();
  const { stdout } = await logs.open("web", "in_1");
  const held = start("sh", ["-c", `exec 1<>${stdout}; read x; echo late; exec sleep 60`], "pipe");
  await until("it holds the pipe", () => {
    const link = execFileSync("readlink", [`/proc/${held.pid}/fd/1`], { encoding: "utf8" });
    return link.trim() === stdout;
  });
  await logs.finish("in_1", 10);
  await until("its pipes are gone", () => !existsSync(join(runDir, "in_1")));
  for (const id of ["in_2", "in_3", "in_4", "in_5", "in_6"]) await logs.open("web", id);
  held.stdin?.end("\n");
  await runShell({ stdout: join(runDir, "in_6", "out"), stderr: "/dev/null" }, "echo new");
  for (const id of ["in_2", "in_3", "in_4", "in_5", "in_6"]) await logs.finish(id, 5000);
  expect(textsIn(logs.fileOf("web"))).not.toContain("late");
  expect(textsIn(logs.fileOf("web"))).toContain("new");
});

it("shows a service's descriptors under its incarnation's name", async () => {
  const { logs, runDir } = await startStocked();
  const pipes = await logs.open("web", "in_1");
  await runShell(pipes, "readlink /proc/$$/fd/1; readlink /proc/$$/fd/2");
  await logs.finish("in_1", 5000);
  const paths = ["out", "err"].map((name) => join(runDir, "in_1", name));
  expect(readFileSync(logs.fileOf("web"), "utf8").match(/\/.*$/gm)).toEqual(paths);
});

it("makes ready pipes with the modes of others", async () => {
  const { logs, runDir } = await startStocked();
  await logs.open("web", "in_1");
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  const paths = ["", "out", "err"].map((name) => join(runDir, "in_1", name));
  expect(paths.map(mode)).toEqual(["700", "622", "622"]);
});

it("fills up what was taken", async () => {
  const { logs, runDir } = await startStocked();
  for (const id of ["in_1", "in_2", "in_3"]) await logs.open("web", id);
  await until("there are four again", () => ready(runDir).length === 4);
});

it("makes new pipes where somebody removed the ready ones, in part or whole", async () => {
  const { logs, runDir } = await startStocked();
  for (const [n, name] of ready(runDir).entries()) {
    if (n % 2 === 0) rmSync(join(runDir, name), { recursive: true });
    else unlinkSync(join(runDir, name, "err"));
  }
  for (const id of ["in_1", "in_2", "in_3", "in_4"]) {
    await runShell(await logs.open("web", id), `echo ${id}; echo ${id} >&2`);
    expect(await logs.finish(id, 5000)).toMatchObject({ lines: 2 });
  }
});

it("removes what it has ready when it is closed", async () => {
  const { logs, runDir } = await startStocked();
  await logs.open("web", "in_1");
  await logs.finish("in_1", 5000);
  await logs.close();
  expect(readdirSync(runDir)).toEqual(["in_first"]);
});

it("removes what a killed daemon had ready, and keeps its own", async () => {
  const { logs, runDir } = await startStocked();
  const own = ready(runDir);
  for (const name of [".ready-old", ".ready-half-made"]) mkdirSync(join(runDir, name));
  execFileSync("mkfifo", [join(runDir, ".ready-old", "out"), join(runDir, ".ready-old", "err")]);
  await logs.discard(["in_first"]);
  expect(readdirSync(runDir).toSorted()).toEqual([...own, "in_first"].toSorted());
});
