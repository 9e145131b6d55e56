import { spawnSync } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  boottimeMs,
  groupInUse,
  isChildSubreaper,
  nofileLimit,
  peerCredentials,
  pidInUse,
  sendSignal,
  setChildSubreaper,
} from "../../src/posix/calls.ts";

it("reads the clock that /proc/uptime shows", () => {
  const shown = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000;
  expect(boottimeMs()).toBeGreaterThanOrEqual(shown - 10);
  expect(boottimeMs()).toBeLessThan(shown + 60_000);
});

it("reads the limits of open files that /proc/self/limits shows", () => {
  const line = /Max open files\s+(\S+)\s+(\S+)/.exec(readFileSync("/proc/self/limits", "utf8"));
  const number = (text: string | undefined) => (text === "unlimited" ? Infinity : Number(text));
  expect(nofileLimit()).toEqual({ soft: number(line?.[1]), hard: number(line?.[2]) });
});

it("becomes child subreaper", () => {
  setChildSubreaper();
  expect(isChildSubreaper()).toBe(true);
});

it("says who is at the other end of a unix socket", async () => {
  const dir = mkdtempSync(join(tmpdir(), "sprite-env-peer-"));
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(resolve).listen(join(dir, "s"));
  const client = connect(join(dir, "s"));
  const { _handle: handle } = (await promise) as unknown as { _handle: { fd: number } };
  expect(peerCredentials(handle.fd)).toEqual({
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  client.destroy();
  server.close();
  rmSync(dir, { recursive: true });
});

it("refuses to say who is behind a file", () => {
  const fd = openSync("/dev/null", "r");
  expect(() => peerCredentials(fd)).toThrow(expect.objectContaining({ code: "ENOTSOCK" }));
  closeSync(fd);
});

it("knows a pid that is in use from one that is not", () => {
  const { pid } = spawnSync("true");
  expect(pidInUse(process.pid)).toBe(true);
  expect(pidInUse(1)).toBe(true);
  expect(pidInUse(pid)).toBe(false);
  expect(pidInUse(0)).toBe(false);
  expect(groupInUse(pid)).toBe(false);
});

it.each([0, 1, -1])("signals nobody through the target %i", (target) => {
  expect(() => sendSignal(target, 0)).toThrow(RangeError);
});

it("says that a process is gone", () => {
  const { pid } = spawnSync("true");
  expect(() => sendSignal(pid, 0)).toThrow(expect.objectContaining({ code: "ESRCH" }));
});
