import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { ExitStatus } from "../../machines/service-events.ts";
import { type Children, createChildren } from "../../src/pid1/children.ts";
import { setChildSubreaper } from "../../src/posix/calls.ts";
import { mainThreadChildren, readStat } from "../../src/posix/proc.ts";
import { posixSpawn } from "../../src/posix/spawn.ts";
import { reap } from "../../src/posix/wait.ts";

let dir: string;
let children: Children;

beforeAll(() => {
  setChildSubreaper();
  dir = mkdtempSync(join(tmpdir(), "sprite-env-children-"));
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => (children = createChildren()));
afterEach(() => children.close());

const sh = (script: string): Promise<number> =>
  posixSpawn({
    path: "/bin/sh",
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    dir,
    stdout: "/dev/null",
    stderr: "/dev/null",
  });

/** Adds a child and waits for its end. */
const end = (pid: number): Promise<ExitStatus> =>
  new Promise((resolve) => children.add(pid, resolve));

async function gone(pid: number): Promise<void> {
  while (readStat(pid)) await pause(2);
}

it("tells how a child ended, by code and by signal", async () => {
  expect(await end(await sh("exit 9"))).toEqual({ code: 9 });
  expect(await end(await sh("kill -INT $$"))).toEqual({ signal: "INT" });
});

it("tells of a child that was dead before anybody waited", async () => {
  const pid = await sh("exit 4");
  while (readStat(pid)?.state !== "Z") await pause(2);
  expect(await end(pid)).toEqual({ code: 4 });
});

it("keeps the number of one that ended until it is reaped", async () => {
  const pid = await sh("exit 0");
  await end(pid);
  expect(children.has(pid)).toBe(true);
  expect(readStat(pid)?.state).toBe("Z");
  children.reap(pid);
  expect(children.has(pid)).toBe(false);
  expect(readStat(pid)).toBeUndefined();
});

it("does not reap one that runs", async () => {
  const pid = await sh("sleep 1000");
  const ended = end(pid);
  children.reap(pid);
  expect(children.has(pid)).toBe(true);
  children.signalGroup(pid, "KILL");
  expect(await ended).toEqual({ signal: "KILL" });
  children.reap(pid);
});

it("says nothing about a child that somebody else has reaped, and forgets its number", async () => {
  const pid = await sh("exit 5");
  while (readStat(pid)?.state !== "Z") await pause(2);
  reap(pid);
  expect(await end(pid)).toEqual({});
  expect(children.has(pid)).toBe(false);
  expect(children.signal(pid, "KILL")).toBe(false);
});

it("signals nothing that is not in the table", async () => {
  const bystander = spawn("sleep", ["1000"]);
  await once(bystander, "spawn");
  expect(children.signal(bystander.pid ?? 0, "KILL")).toBe(false);
  expect(children.signalGroup(bystander.pid ?? 0, "KILL")).toBe(false);
  expect(readStat(bystander.pid ?? 0)?.state).not.toBe("Z");
  bystander.kill("SIGKILL");
  await once(bystander, "exit");
});

it("ends the group of a leader that is a zombie already", async () => {
  const pid = await sh("sleep 1000 & exit 0");
  await end(pid);
  const [orphan] = children.orphans() ?? [];
  expect(readStat(orphan ?? 0)).toMatchObject({ group: pid, parent: process.pid });
  expect(children.signalGroup(pid, "KILL")).toBe(true);
  children.reap(pid);
  await gone(orphan ?? 0);
  expect(children.orphans()).toEqual([]);
});

it("loses none of 100 quick exits", async () => {
  const codes = Array.from({ length: 100 }, (_, index) => index);
  const seen = await Promise.all(
    codes.map(async (code) => {
      const pid = await sh(`exit ${code}`);
      const status = await end(pid);
      children.reap(pid);
      return status.code;
    }),
  );
  expect(seen).toEqual(codes);
});

it("reaps what is orphaned", async () => {
  const pid = await sh("(sleep 0.05 & exit 0); (setsid sleep 0.05 & exit 0); exit 0");
  await end(pid);
  children.reap(pid);
  const orphans = children.orphans() ?? [];
  expect(orphans.length).toBe(2);
  await Promise.all(orphans.map(gone));
});

it("reaps a storm of orphans", async () => {
  const script = "i=0; while [ $i -lt 300 ]; do (sleep 0.1 &); i=$((i + 1)); done; exit 0";
  const pid = await sh(script);
  await end(pid);
  children.reap(pid);
  while ((mainThreadChildren() ?? []).length > 0) await pause(5);
  expect(children.orphans()).toEqual([]);
});

it("takes its handler of SIGCHLD with it when it is closed", () => {
  const before = process.listeners("SIGCHLD");
  const another = createChildren();
  expect(process.listeners("SIGCHLD")).toHaveLength(before.length + 1);
  another.close();
  expect(process.listeners("SIGCHLD")).toEqual(before);
});

it("never takes an exit code from Node's own children", async () => {
  const orphanMaker = "for i in 1 2 3 4 5; do (sleep 0.0$i &) ; done; exit 0";
  const codes = Array.from({ length: 40 }, (_, index) => index + 1);
  const seen = await Promise.all(
    codes.map(async (code) => {
      const mine = sh(orphanMaker).then(async (pid) => {
        await end(pid);
        children.reap(pid);
      });
      const child = spawn("sh", ["-c", `exit ${code}`]);
      const [[status]] = await Promise.all([once(child, "exit"), mine]);
      return status as number;
    }),
  );
  expect(seen).toEqual(codes);
});

it("does not count Node's own children among the orphans", async () => {
  const child = execFile("sleep", ["1000"]);
  await once(child, "spawn");
  expect(children.orphans()).not.toContain(child.pid);
  child.kill();
  await once(child, "exit");
});
