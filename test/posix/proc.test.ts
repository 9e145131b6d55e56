import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import {
  allPids,
  isAlive,
  isReadWrite,
  mainThreadChildren,
  openFilesWith,
  parseChildren,
  parseStat,
  procIsOurs,
  readEnviron,
  readStat,
  valueIn,
} from "../../src/posix/proc.ts";

const LINE =
  "4711 (a) R 1 (b)) S 42 4711 4700 0 -1 4194304 98 0 0 0 1 2 0 0 20 0 3 0 482154 2985984 225 18446744073709551615 1 1";

it("reads a line of stat whose name looks like the rest of it", () => {
  expect(parseStat(LINE)).toEqual({
    pid: 4711,
    state: "S",
    parent: 42,
    group: 4711,
    session: 4700,
    ticks: 3,
    threads: 3,
    startTime: "482154",
    pages: 225,
    kernel: false,
  });
});

it.each(["", "4711", "4711 (sh) S 1", "no such file"])("makes nothing of %j", (text) => {
  expect(parseStat(text)).toBeUndefined();
});

it("takes a zombie for alive only while other threads of it go on", () => {
  const stat = parseStat(LINE.replace(") S", ") Z"));
  expect(stat && isAlive(stat)).toBe(true);
  expect(stat && isAlive({ ...stat, threads: 1 })).toBe(false);
});

it("finds a variable by its whole name", () => {
  const environ = "XMARK=1\0MARK=in_1\0PATH=/bin\0EMPTY=\0";
  expect(valueIn(environ, "MARK")).toBe("in_1");
  expect(valueIn(environ, "EMPTY")).toBe("");
  expect(valueIn(environ, "ARK")).toBeUndefined();
  expect(valueIn("", "MARK")).toBeUndefined();
});

it("reads a list of children", () => {
  expect(parseChildren("12 345 \n".trim())).toEqual([12, 345]);
  expect(parseChildren("")).toEqual([]);
});

it("knows the access mode of a descriptor by its last two bits", () => {
  expect(isReadWrite("pos:\t0\nflags:\t0100002\nmnt_id:\t15\n")).toBe(true);
  expect(isReadWrite("pos:\t0\nflags:\t0100001\nmnt_id:\t15\n")).toBe(false);
  expect(isReadWrite("pos:\t0\n")).toBe(false);
});

it("sees this process, its children and its own /proc", async () => {
  const child = spawn("sleep", ["1000"], { env: { MARK: "here" } });
  const pid = child.pid ?? 0;
  await once(child, "spawn");
  expect(procIsOurs()).toBe(true);
  expect(allPids()).toContain(pid);
  expect(readStat(pid)).toMatchObject({ pid, parent: process.pid, kernel: false });
  expect(mainThreadChildren()).toContain(pid);
  expect(valueIn((await readEnviron(pid, 1_000)) ?? "", "MARK")).toBe("here");
  expect(
    openFilesWith(pid, (path) => path.startsWith("socket:") || path.startsWith("pipe:")),
  ).not.toEqual([]);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(readStat(pid)).toBeUndefined();
  expect(await readEnviron(pid, 1_000)).toBeUndefined();
});
