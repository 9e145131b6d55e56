import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseLine } from "../../src/logs/line.ts";
import { openLog, position } from "../../src/logs/log-file.ts";
import type { LogLine } from "../../src/logs/ports.ts";
import {
  endPosition,
  lastLineTime,
  linesBetween,
  readRange,
  tailLines,
} from "../../src/logs/read.ts";
import { put, tempDir, tempPlace } from "./harness.ts";

const ignore = (): void => {};
const texts = (lines: readonly LogLine[]): string[] => lines.map(({ text }) => text);

it("takes a line apart", () => {
  expect(parseLine("2026-06-02T17:11:17.821Z [stderr] GET / [x] 200")).toEqual({
    stream: "stderr",
    time: Date.UTC(2026, 5, 2, 17, 11, 17, 821),
    text: "GET / [x] 200",
  });
});

it("takes apart a line whose text is empty", () => {
  expect(parseLine("2026-06-02T17:11:17.821Z [stdout] ")).toMatchObject({ text: "" });
});

it("takes no other line for one of ours", () => {
  for (const raw of [
    "",
    "hello",
    "2026-06-02T17:11:17.821Z [stdlog] x",
    "2026-99-02T17:11:17.821Z [stdout] x",
  ]) {
    expect(parseLine(raw)).toBeUndefined();
  }
});

it("reads the last lines over files that were set aside", async () => {
  const place = tempPlace({ rotateBytes: 100, keep: 100 });
  const log = openLog(place, "web", ignore);
  for (let n = 0; n < 20; n++) put(log, `line ${n}`);
  const all = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  for (const count of [0, 1, 2, 3, 7, 19, 20, 21, 1000]) {
    const last = count === 0 ? [] : all.slice(-count);
    expect(texts(await tailLines(place.logDir, "web", count))).toEqual(last);
  }
});

it("reads the last lines where they are longer than a piece of reading", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  const long = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(40_000));
  for (const text of long) put(log, text);
  put(log, "");
  expect(texts(await tailLines(place.logDir, "web", 12))).toEqual([...long.slice(-11), ""]);
});

it("reads the lines before a position", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  put(log, "a", "b", "c");
  const before = position(log);
  put(log, "d");
  expect(texts(await tailLines(place.logDir, "web", 2, before))).toEqual(["b", "c"]);
});

it("gives a large range in pieces of whole lines, each once", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  const all = Array.from({ length: 30_000 }, (_, n) => `line ${n}`);
  put(log, ...all);
  const batches: LogLine[][] = [];
  for await (const batch of readRange(place.logDir, "web", 0, position(log))) batches.push(batch);
  expect(batches.length).toBeGreaterThan(1);
  expect(texts(batches.flat())).toEqual(all);
});

it("begins with the next line where a range begins inside one", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  put(log, "a", "b", "c");
  expect(texts(await linesBetween(place.logDir, "web", 5, position(log)))).toEqual(["b", "c"]);
});

it("ends with the line in which a range ends", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  put(log, "a", "b", "c");
  const length = position(log) / 3;
  expect(texts(await linesBetween(place.logDir, "web", 0, length))).toEqual(["a"]);
  expect(texts(await linesBetween(place.logDir, "web", 0, length + 1))).toEqual(["a", "b"]);
});

it("shows a line without our form, with the time of the line above it", async () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  put(log, "ours");
  appendFileSync(log.path, "somebody else's\ntorn");
  const [first, second, third] = await tailLines(place.logDir, "web", 10);
  expect(second).toEqual({ stream: "stdout", time: first?.time, text: "somebody else's" });
  expect(third?.text).toBe("torn");
});

it("finds nothing of a service that never wrote", async () => {
  const logDir = join(tempDir(), "not-there");
  expect(await tailLines(logDir, "web", 10)).toEqual([]);
  expect(await linesBetween(logDir, "web", 0, 1000)).toEqual([]);
  expect([endPosition(logDir, "web"), lastLineTime(logDir, "web")]).toEqual([0, undefined]);
});

it("reads a log that has no mark, such as one that was copied by hand", async () => {
  const logDir = tempDir();
  writeFileSync(join(logDir, "web.log"), "2026-06-02T17:11:17.821Z [stdout] x\n");
  expect(texts(await tailLines(logDir, "web", 10))).toEqual(["x"]);
  expect(lastLineTime(logDir, "web")).toBe(Date.UTC(2026, 5, 2, 17, 11, 17, 821));
});
