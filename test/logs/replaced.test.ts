import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { type LogIncident, openLog, position } from "../../src/logs/log-file.ts";
import { endPosition, linesBetween } from "../../src/logs/read.ts";
import { tend } from "../../src/logs/rotate.ts";
import { put, start, startLogs, tempPlace, textsIn, until } from "./harness.ts";

const ignore = (): void => {};

it("begins a removed log again, and has what went into the removed file since the last look", () => {
  const log = openLog(tempPlace(), "web", ignore);
  put(log, "before");
  tend(log);
  unlinkSync(log.path);
  put(log, "after 1", "after 2");
  tend(log);
  put(log, "later");
  expect(textsIn(log.path)).toEqual(["after 1", "after 2", "later"]);
});

it("keeps the positions of lines that it wrote again", async () => {
  const log = openLog(tempPlace(), "web", ignore);
  put(log, "before");
  tend(log);
  const from = position(log);
  unlinkSync(log.path);
  put(log, "after");
  const to = position(log);
  tend(log);
  const lines = await linesBetween(log.place.logDir, "web", from, to);
  expect(lines.map(({ text }) => text)).toEqual(["after"]);
  expect(endPosition(log.place.logDir, "web")).toBe(to);
});

it("leaves lines in a file that was only renamed, and goes on in a new one", () => {
  const log = openLog(tempPlace(), "web", ignore);
  put(log, "before");
  tend(log);
  renameSync(log.path, `${log.path}.mine`);
  put(log, "in the old one");
  tend(log);
  put(log, "in the new one");
  expect(textsIn(`${log.path}.mine`)).toEqual(["before", "in the old one"]);
  expect(textsIn(log.path)).toEqual(["in the new one"]);
});

it("goes on in a log that somebody emptied, without holes", async () => {
  const log = openLog(tempPlace(), "web", ignore);
  put(log, "before");
  tend(log);
  truncateSync(log.path);
  const from = position(log);
  put(log, "after");
  tend(log);
  put(log, "later");
  expect(readFileSync(log.path).includes(0)).toBe(false);
  expect(textsIn(log.path)).toEqual(["after", "later"]);
  const lines = await linesBetween(log.place.logDir, "web", from, position(log));
  expect(lines.map(({ text }) => text)).toEqual(["after", "later"]);
});

it("keeps to its own lines' positions after somebody wrote into the log", async () => {
  const log = openLog(tempPlace(), "web", ignore);
  put(log, "ours");
  appendFileSync(log.path, "somebody else's\n");
  tend(log);
  const from = position(log);
  put(log, "ours again");
  const lines = await linesBetween(log.place.logDir, "web", from, position(log));
  expect(lines.map(({ text }) => text)).toEqual(["ours again"]);
});

it("never writes into what took the log's place, and has the lines when it is gone", () => {
  const incidents: LogIncident[] = [];
  const log = openLog(tempPlace(), "web", (incident) => incidents.push(incident));
  unlinkSync(log.path);
  mkdirSync(log.path);
  put(log, "while it is a directory");
  tend(log);
  expect(incidents.at(-1)).toMatchObject({
    kind: "trouble",
    message: expect.stringContaining("is a directory"),
  });
  rmdirSync(log.path);
  tend(log);
  expect(textsIn(log.path)).toEqual(["while it is a directory"]);
});

it("makes the whole directory again", () => {
  const log = openLog(tempPlace(), "web", ignore);
  rmSync(dirname(log.path), { recursive: true });
  put(log, "after");
  tend(log);
  expect(textsIn(log.path)).toEqual(["after"]);
});

it("does not rename a file that is not its own when it is full", () => {
  const log = openLog(tempPlace({ rotateBytes: 60 }), "web", ignore);
  put(log, "first line");
  tend(log);
  unlinkSync(log.path);
  writeFileSync(log.path, "mine\n");
  put(log, "second line");
  expect(readFileSync(log.path, "utf8").startsWith("mine\n")).toBe(true);
});

it("loses no line when the log is removed again and again under load", async () => {
  const { logs } = await startLogs();
  const { stdout } = await logs.open("web", "in_1");
  const path = logs.fileOf("web");
  const seen = new Set<number>();
  const collect = (): void => {
    for (const [, n] of readFileSync(path, "latin1").matchAll(/ n(\d+)\n/g)) seen.add(Number(n));
  };
  let live = 0;
  logs.follow("web", () => (live += 1));
  const script = `exec 1<>${stdout}; for n in $(seq 30000); do echo n$n; [ $((n % 100)) = 0 ] && sleep 0.005; done; true`;
  const writer = start("sh", ["-c", script]);
  for (const after of [5000, 15_000]) {
    await until(`${after} lines`, () => live > after && existsSync(path));
    renameSync(path, `${path}.looked-at`); // so that what was read and what is removed are the same
    const rest = readFileSync(`${path}.looked-at`, "latin1");
    for (const [, n] of rest.matchAll(/ n(\d+)\n/g)) seen.add(Number(n));
    unlinkSync(`${path}.looked-at`);
  }
  await until("the writer ended", () => writer.exitCode === 0);
  expect(await logs.finish("in_1", 10_000)).toMatchObject({ lines: 30_000, droppedBytes: 0 });
  collect();
  expect(seen.size).toBe(30_000);
}, 30_000);
