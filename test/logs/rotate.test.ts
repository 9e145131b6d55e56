import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLog, position } from "../../src/logs/log-file.ts";
import { removeBeyond } from "../../src/logs/prune.ts";
import { linesBetween } from "../../src/logs/read.ts";
import { tend } from "../../src/logs/rotate.ts";
import { put, runShell, startLogs, tempDir, tempPlace, textsIn, until } from "./harness.ts";

const ignore = (): void => {};
const onlyOld = (service: string): boolean => service === "old";
const rotatedIn = (logDir: string): string[] =>
  readdirSync(logDir).filter((name) => /^web\.log\.\d+$/.test(name));

it("sets a full file aside under the position of its first byte", () => {
  const place = tempPlace({ rotateBytes: 100 });
  const log = openLog(place, "web", ignore);
  put(log, "first line", "second line"); // 34 + 10 + 1 and 34 + 11 + 1 bytes
  put(log, "third line");
  expect(rotatedIn(place.logDir)).toEqual(["web.log.000000000000000"]);
  expect(textsIn(join(place.logDir, "web.log.000000000000000"))).toEqual([
    "first line",
    "second line",
  ]);
  expect(textsIn(log.path)).toEqual(["third line"]);
  put(log, "fourth line", "fifth line");
  expect(rotatedIn(place.logDir)).toContain("web.log.000000000000091");
});

it("keeps as many files as it was told, the newest", async () => {
  const place = tempPlace({ rotateBytes: 50, keep: 3 });
  const log = openLog(place, "web", ignore);
  for (let n = 0; n < 10; n++) put(log, `line ${n}`);
  await until("the others are unlinked", () => rotatedIn(place.logDir).length === 3);
  const lines = await linesBetween(place.logDir, "web", 0, position(log));
  expect(lines.map(({ text }) => text)).toEqual(["line 6", "line 7", "line 8", "line 9"]);
});

it("finds the lines of a range over files that were set aside", async () => {
  const place = tempPlace({ rotateBytes: 200, keep: 100 });
  const log = openLog(place, "web", ignore);
  const starts: number[] = [];
  for (let n = 0; n < 50; n++) {
    starts.push(position(log));
    put(log, `line ${n}`);
  }
  const lines = await linesBetween(place.logDir, "web", starts[7] ?? 0, starts[31] ?? 0);
  expect(lines.map(({ text }) => text)).toEqual(
    Array.from({ length: 24 }, (_, n) => `line ${n + 7}`),
  );
});

it("goes on at the same position after the daemon was started again", () => {
  const place = tempPlace({ rotateBytes: 100 });
  const log = openLog(place, "web", ignore);
  for (let n = 0; n < 9; n++) put(log, "some line");
  expect(position(openLog(place, "web", ignore))).toBe(position(log));
});

it("knows the position without its mark, from the files that were set aside", () => {
  const place = tempPlace({ rotateBytes: 100 });
  const log = openLog(place, "web", ignore);
  for (let n = 0; n < 9; n++) put(log, "some line");
  unlinkSync(join(place.logDir, ".web.position"));
  expect(position(openLog(place, "web", ignore))).toBe(position(log));
});

it("knows a log again that was copied to another disk", async () => {
  const place = tempPlace({ rotateBytes: 100, keep: 1 });
  const log = openLog(place, "web", ignore);
  for (let n = 0; n < 9; n++) put(log, `line ${n}`);
  tend(log);
  await until("older ones are removed", () => readdirSync(place.logDir).length === 3); // with the position file
  const copy = tempDir();
  for (const name of readdirSync(place.logDir)) {
    copyFileSync(join(place.logDir, name), join(copy, name));
  }
  expect(position(openLog({ ...place, logDir: copy }, "web", ignore))).toBe(position(log));
});

it("gives no position twice where the log was removed while no daemon ran", () => {
  const place = tempPlace();
  const log = openLog(place, "web", ignore);
  put(log, "lost");
  tend(log);
  unlinkSync(log.path);
  writeFileSync(log.path, "somebody else's\n");
  expect(position(openLog(place, "web", ignore))).toBeGreaterThan(position(log));
});

it("begins on a new line after a write that was torn", () => {
  const place = tempPlace();
  writeFileSync(join(place.logDir, "web.log"), "2026-06-02T17:11:17.821Z [stdout] to");
  const log = openLog(place, "web", ignore);
  put(log, "next");
  expect(textsIn(log.path)).toEqual(["to", "next"]);
});

it("counts lines instead of growing for ever where a file cannot be set aside", () => {
  const place = tempPlace({ rotateBytes: 100 });
  const log = openLog(place, "web", ignore);
  put(log, "first line", "second line");
  const blocked = join(place.logDir, "web.log.000000000000000");
  mkdirSync(join(blocked, "x"), { recursive: true });
  put(log, "lost");
  put(log, "lost too");
  expect(log.size).toBeLessThanOrEqual(100);
  rmdirSync(join(blocked, "x"));
  rmdirSync(blocked);
  log.place.rotateBytes = 10_000;
  tend(log);
  expect(textsIn(log.path).at(-1)).toMatch(
    /^\[sprite-env\] gap: 2 lines \(\d+ bytes\) could not be written: /,
  );
});

it("holds the directory to its size: rotated files of any service first, then logs not in use", async () => {
  const logDir = tempDir();
  const file = (name: string, age: number): void => {
    writeFileSync(join(logDir, name), "x".repeat(100_000));
    utimesSync(join(logDir, name), 1_000_000 - age, 1_000_000 - age);
  };
  file("old.log", 90);
  file("web.log.000000000000000", 50);
  file("other.log.000000000000000", 70);
  file("notes.txt", 99);
  const place = tempPlace({ logDir });
  const left = (): string[] => readdirSync(logDir);
  removeBeyond(place, 290_000, onlyOld, ignore);
  await until("one is gone", () => left().length === 3);
  expect(left()).toEqual(["notes.txt", "old.log", "web.log.000000000000000"]);
  removeBeyond(place, 10_000, onlyOld, ignore);
  await until("what was rotated is gone", () => left().length === 2);
  removeBeyond(place, 10_000, () => false, ignore);
  await until("the log of a service that does not run is gone", () => left().length === 1);
  expect(readdirSync(logDir)).toEqual(["notes.txt"]);
});

it("sets files aside earlier while many services share the space", async () => {
  const { logs, logDir } = await startLogs(tempDir(), { totalBytes: 2_000_000 });
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const script = "yes abcdefghijklmnopqrstuvwxyz | head -c 2000000";
  await Promise.all(names.map(async (name) => runShell(await logs.open(name, name), script)));
  await Promise.all(names.map((name) => logs.finish(name, 10_000)));
  const total = (): number =>
    readdirSync(logDir).reduce(
      (sum, name) => sum + statSync(join(logDir, name), { throwIfNoEntry: false })!.size,
      0,
    );
  await until("the excess is unlinked", () => total() <= 2_000_000);
});
