import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { LogLine } from "../../src/logs/ports.ts";
import { linesBetween } from "../../src/logs/read.ts";
import { run, runShell, start, startLogs, tempDir, textsIn, until } from "./harness.ts";

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it("writes lines as the documentation shows them, with the stream they came from", async () => {
  const { logs } = await startLogs();
  const pipes = await logs.open("web", "in_1");
  await runShell(pipes, "echo to-out; echo to-err >&2");
  await logs.finish("in_1", 5000);
  const lines = readFileSync(logs.fileOf("web"), "utf8").trim().split("\n").toSorted();
  expect(lines).toHaveLength(2);
  const stamp = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  const texts = lines.join("\n");
  expect(texts).toMatch(new RegExp(`^${stamp} \\[stdout\\] to-out$`, "m"));
  expect(texts).toMatch(new RegExp(`^${stamp} \\[stderr\\] to-err$`, "m"));
});

it("makes directories 0755 and files 0644 under any umask, and pipes nobody else can read", async () => {
  const old = process.umask(0o077);
  const { logs, logDir, runDir } = await startLogs();
  const { stdout } = await logs.open("web", "in_1");
  process.umask(old);
  expect([logDir, logs.fileOf("web")].map(mode)).toEqual(["755", "644"]);
  expect([runDir, join(runDir, "in_1"), stdout].map(mode)).toEqual(["711", "700", "622"]);
});

it("lets a service open /dev/stdout", async () => {
  const { logs } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "echo through-dev >/dev/stdout");
  await logs.finish("in_1", 5000);
  expect(textsIn(logs.fileOf("web"))).toEqual(["through-dev"]);
});

it("tells where an incarnation's lines begin and end, and how many there were", async () => {
  const { logs, logDir } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "echo one; echo two");
  const first = await logs.finish("in_1", 5000);
  const opened = await logs.open("web", "in_2");
  await runShell(opened, "echo three");
  const second = await logs.finish("in_2", 5000);
  expect(first).toMatchObject({ lines: 2, droppedBytes: 0 });
  expect(opened.offset).toBe(first.offset);
  const lines = await linesBetween(logDir, "web", opened.offset, second.offset);
  expect(lines.map(({ text }) => text)).toEqual(["three"]);
});

it("has the last words of a program that kills itself", async () => {
  const { logs } = await startLogs();
  const pipes = await logs.open("web", "in_1");
  await expect(runShell(pipes, "printf oops >&2; kill -SEGV $$")).rejects.toThrow("exited");
  expect(await logs.finish("in_1", 5000)).toMatchObject({ lines: 1 });
  expect(textsIn(logs.fileOf("web"))).toEqual(["oops"]);
});

it("waits for a background process that still writes", async () => {
  const { logs } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "(sleep 0.2; echo late) & echo early");
  await logs.finish("in_1", 20_000);
  expect(textsIn(logs.fileOf("web"))).toEqual(["early", "late"]);
});

it("does not wait longer than it may for one that holds the pipe, and says so", async () => {
  const { logs } = await startLogs();
  const { stdout, stderr } = await logs.open("web", "in_1");
  let seen = "";
  logs.follow("web", (_, { text }) => (seen += text));
  start("sh", ["-c", `exec 1<>${stdout} 2<>${stderr}; printf 'up\\npart'; exec sleep 60`]);
  await until("the line arrives", () => seen === "up");
  expect(await logs.finish("in_1", 100)).toMatchObject({ lines: 2 });
  const texts = textsIn(logs.fileOf("web"));
  expect(texts.slice(0, -1)).toEqual(["up", "part"]);
  expect(texts.at(-1)).toMatch(
    /^\[sprite-env\] gap: a process it left behind still holds its output/,
  );
});

it("removes the pipes of an incarnation that is finished", async () => {
  const { logs, runDir } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "echo x");
  await logs.finish("in_1", 5000);
  await until("they are gone", () => !existsSync(join(runDir, "in_1")));
});

it("gives the same answer to whoever asks for the end twice", async () => {
  const { logs } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "echo x");
  const [one, two] = await Promise.all([logs.finish("in_1", 5000), logs.finish("in_1", 5000)]);
  expect(two).toEqual(one);
});

it("writes a note of one line, also for a service that never ran", async () => {
  const { logs } = await startLogs();
  await logs.note("web", "executable file `/x` not found:\nNo such file");
  const file = readFileSync(logs.fileOf("web"), "utf8");
  expect(file).toMatch(/Z \[stderr\] executable file `\/x` not found:\\nNo such file\n$/);
  expect(file.match(/\n/g)).toHaveLength(1);
});

it("gives followers the lines of each incarnation, and stops when told", async () => {
  const { logs } = await startLogs();
  const seen: string[] = [];
  const stop = logs.follow("web", (id, { stream, text }) => seen.push(`${id} ${stream} ${text}`));
  await runShell(await logs.open("web", "in_1"), "echo a; echo b >&2");
  await logs.finish("in_1", 5000);
  expect(seen.toSorted()).toEqual(["in_1 stderr b", "in_1 stdout a"]);
  stop();
  await runShell(await logs.open("web", "in_2"), "echo c");
  await logs.finish("in_2", 5000);
  expect(seen).toHaveLength(2);
});

it("hands a follower everything before it says the output ended", async () => {
  const { logs } = await startLogs();
  let count = 0;
  logs.follow("web", () => (count += 1));
  await runShell(await logs.open("web", "in_1"), "seq 1000");
  const { lines } = await logs.finish("in_1", 5000);
  expect([lines, count]).toEqual([1000, 1000]);
});

it("tells a follower that cannot keep up how many lines it missed", async () => {
  const { logs } = await startLogs();
  let lines = 0;
  let skipped = 0;
  const listen = (_: string, { text }: LogLine): void => {
    const gap = /^\[sprite-env\] gap: (\d+) lines? (?:is|are) not shown here/.exec(text);
    if (gap) skipped += Number(gap[1]);
    else lines += 1;
    for (const end = performance.now() + 0.01; performance.now() < end;); // a slow reader
  };
  logs.follow("web", listen);
  await runShell(await logs.open("web", "in_1"), "yes | head -n 100000");
  await logs.finish("in_1", 20_000);
  expect(lines + skipped).toBe(100_000);
  expect(skipped).toBeGreaterThan(0);
});

for (const [what, make] of [
  ["a directory", (path: string) => mkdirSync(path)],
  ["a named pipe", (path: string) => run("mkfifo", [path])],
  ["a device", (path: string) => run("ln", ["-s", "/dev/null", path])],
  ["a directory", (path: string) => run("ln", ["-s", "/tmp", path])],
] as const) {
  it(`refuses a log path that is ${what}, or leads to one`, async () => {
    const { logs, logDir, runDir } = await startLogs();
    await make(join(logDir, "web.log"));
    const refusal = logs.open("web", "in_1");
    await expect(refusal).rejects.toMatchObject({ code: "log_directory_unusable" });
    await expect(refusal).rejects.toThrow(`web.log is ${what}`);
    await expect(logs.note("web", "x")).rejects.toMatchObject({ code: "log_directory_unusable" });
    expect(existsSync(join(runDir, "in_1"))).toBe(false);
  });
}

it("writes through a link to a regular file, as people do who keep logs on another disk", async () => {
  const { logs, logDir } = await startLogs();
  const elsewhere = join(tempDir(), "web.log");
  writeFileSync(elsewhere, "");
  await run("ln", ["-s", elsewhere, join(logDir, "web.log")]);
  await logs.note("web", "x");
  expect(textsIn(elsewhere)).toEqual(["x"]);
});

it("refuses a link that leads nowhere, and makes no file where it points", async () => {
  const { logs, logDir } = await startLogs();
  const elsewhere = join(tempDir(), "web.log");
  await run("ln", ["-s", elsewhere, join(logDir, "web.log")]);
  await expect(logs.note("web", "x")).rejects.toMatchObject({ code: "log_directory_unusable" });
  expect(existsSync(elsewhere)).toBe(false);
});

it("makes its directory again where somebody removed it", async () => {
  const { logs, logDir } = await startLogs();
  rmdirSync(logDir);
  await logs.note("web", "x");
  expect(textsIn(logs.fileOf("web"))).toEqual(["x"]);
  expect(mode(logDir)).toBe("755");
});

it("refuses a log directory that cannot be made, and says what to do", async () => {
  const directory = tempDir();
  writeFileSync(join(directory, "file"), "");
  const refusal = startLogs(directory, { logDir: join(directory, "file", "logs") });
  await expect(refusal).rejects.toMatchObject({ code: "log_directory_unusable" });
  await expect(refusal).rejects.toThrow(/file\/logs: .*choose another directory with --log-dir/);
});

it("refuses names that lead out of its directories", async () => {
  const { logs, logDir, runDir } = await startLogs();
  for (const name of ["../x", "a/b", ".", "", "x\0", "é", "a".repeat(81)]) {
    await expect(logs.note(name, "x")).rejects.toMatchObject({ code: "invalid_request" });
    await expect(logs.open("web", name || "/")).rejects.toMatchObject({ code: "invalid_request" });
  }
  expect(readdirSync(runDir)).toEqual([]);
  expect(readdirSync(join(logDir, ".."))).toHaveLength(2);
});

it("writes partial lines when it is closed", async () => {
  const { logs } = await startLogs();
  let seen = "";
  logs.follow("web", (_, { text }) => (seen += text));
  const { stdout } = await logs.open("web", "in_1");
  start("sh", ["-c", `exec 1<>${stdout}; echo whole; printf part; exec sleep 60`]);
  await until("the whole line arrives", () => seen === "whole");
  await logs.close();
  expect(textsIn(logs.fileOf("web"))).toEqual(["whole", "part"]);
});

it("removes pipes that nobody needs any more, and only those", async () => {
  const { logs, runDir } = await startLogs();
  await logs.open("web", "in_open");
  for (const id of ["in_kept", "in_gone"]) {
    mkdirSync(join(runDir, id));
    await run("mkfifo", [join(runDir, id, "out")]);
  }
  await logs.discard(["in_kept"]);
  const incarnations = readdirSync(runDir).filter((name) => !name.startsWith(".ready-"));
  expect(incarnations.toSorted()).toEqual(["in_kept", "in_open"]);
});
