import {
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sendSignal } from "../../src/posix/calls.ts";
import { bind } from "../../src/posix/libc.ts";
import { signalVerified } from "../../src/posix/pidfd.ts";
import { openPipeEnds } from "../../src/posix/pipe.ts";
import { mainThreadChildren, processName, readStat } from "../../src/posix/proc.ts";
import { posixSpawn, type Plan } from "../../src/posix/spawn.ts";
import { look, type Look, reap, statusOf } from "../../src/posix/wait.ts";

const dup = bind<(fd: number) => number>("int dup(int fd)");

let dir: string;
const started: number[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sprite-env-spawn-"));
  writeFileSync(join(dir, "out"), "");
  writeFileSync(join(dir, "err"), "");
});

afterEach(async () => {
  for (const pid of started.splice(0)) {
    if (look(pid) === "gone") continue;
    sendSignal(-pid, 9);
    await ended(pid);
    reap(pid);
  }
  rmSync(dir, { recursive: true });
});

async function sh(script: string, extra: Partial<Plan> = {}): Promise<number> {
  const pid = await posixSpawn({
    path: "/bin/sh",
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin", GREETING: "hello" },
    dir,
    stdout: join(dir, "out"),
    stderr: join(dir, "err"),
    ...extra,
  });
  started.push(pid);
  return pid;
}

async function ended(pid: number): Promise<Look> {
  while (look(pid) === "running") await pause(2);
  return look(pid);
}

const out = (): string => readFileSync(join(dir, "out"), "utf8");

it("passes arguments, environment, directory and descriptors", async () => {
  await ended(
    await sh('echo "$0 $1 $GREETING $PWD"; echo oops >&2', {
      argv: ["sh", "-c", 'echo "$0 $1 $GREETING $(pwd)"; echo oops >&2', "zero", "å b"],
    }),
  );
  expect(out()).toBe(`zero å b hello ${dir}\n`);
  expect(readFileSync(join(dir, "err"), "utf8")).toBe("oops\n");
});

it("gives a session of its own, the null device, and no other descriptor", async () => {
  const pid = await sh("ls -l /proc/self/fd; sleep 1000");
  expect(readStat(pid)).toMatchObject({ session: pid, group: pid });
  while (!out().includes(" 2 ->")) await pause(2);
  expect(out()).toMatch(/ 0 -> \/dev\/null\n/);
  const own = [...out().matchAll(/ (\d+) ->/g)].map(([, fd]) => Number(fd));
  expect(own.filter((fd) => fd > 3)).toEqual([]); // 3 is ls reading the directory
});

it.each([3, 9, 200])(
  "hands on one descriptor under the number %d, and none beside it",
  async (as) => {
    const { read, write } = openPipeEnds();
    const others = [dup(0), dup(0)]; // open in children, unless a spawn closes them
    const pid = await sh("", {
      path: "/bin/bash",
      inherit: { fd: write, as },
      argv: ["bash", "-c", `FD=${as}; echo ready >&$FD; ls /proc/self/fd; exec sleep 1000`],
    });
    closeSync(write);
    for (const other of others) closeSync(other);
    const answer = Buffer.alloc(6);
    readSync(read, answer);
    closeSync(read);

    expect(answer.toString()).toBe("ready\n");
    while (!out().includes(`${as}\n`) || processName(pid) !== "sleep") await pause(2);
    // 255 is bash's own; the loader of sleep opens its libraries for a moment.
    const handedOn = (): number[] =>
      readdirSync(`/proc/${pid}/fd`)
        .map(Number)
        .filter((fd) => fd > 2 && fd !== 255);
    await expect.poll(handedOn).toEqual([as]);
  },
);

it("refuses a descriptor over the limit, and takes nothing for it", async () => {
  const { read, write } = openPipeEnds();
  const spawned = sh("true", { inherit: { fd: write, as: 1 << 30 } });

  await expect(spawned).rejects.toThrow("Bad file descriptor");
  closeSync(read);
  closeSync(write);
});

it("sets every signal to its default and blocks none", async () => {
  await ended(await sh("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
  expect(out()).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
});

it("shows the spawned in no list of the main thread, where orphans are looked for", async () => {
  const pid = await sh("sleep 1000");
  expect(readStat(pid)?.parent).toBe(process.pid);
  expect(mainThreadChildren()).not.toContain(pid);
});

it.each([
  ["a program that is not there", { path: "/no/such" }, "ENOENT"],
  ["a directory that is not there", { dir: "/no/such" }, "ENOENT"],
  ["a FIFO that is not there", { stdout: "/no/such/out" }, "ENOENT"],
  ["a file that is no program", { path: "/etc/passwd" }, "EACCES"],
])("answers with the errno for %s", async (_, extra, code) => {
  await expect(sh("true", extra)).rejects.toMatchObject({ code, syscall: "posix_spawn" });
});

it("runs nothing through a shell", async () => {
  writeFileSync(join(dir, "text"), "echo ran\n", { mode: 0o755 });
  await expect(sh("true", { path: join(dir, "text") })).rejects.toMatchObject({ code: "ENOEXEC" });
  expect(out()).toBe("");
});

it("looks at a child as often as wanted, and reaps it once", async () => {
  const pid = await sh("exit 3");
  expect(await ended(pid)).toEqual({ code: 3 });
  expect(look(pid)).toEqual({ code: 3 });
  expect(reap(pid)).toEqual({ code: 3 });
  expect(look(pid)).toBe("gone");
});

it("tells the signal that ended a child", async () => {
  expect(await ended(await sh("kill -USR1 $$"))).toEqual({ signal: "USR1", core: false });
});

it("tells a core image from its absence", () => {
  expect(statusOf(3, 11)).toEqual({ signal: "SEGV", core: true });
  expect(statusOf(2, 11)).toEqual({ signal: "SEGV", core: false });
  expect(statusOf(1, 255)).toEqual({ code: 255 });
});

it("signals through a pidfd only what is meant", async () => {
  const pid = await sh("sleep 1000");
  expect(await signalVerified(pid, 15, () => false)).toBe(false);
  expect(look(pid)).toBe("running");
  expect(await signalVerified(pid, 15, () => true)).toBe(true);
  expect(await ended(pid)).toEqual({ signal: "TERM", core: false });
});

it("signals neither process 1, nor itself, nor one that is gone", async () => {
  const pid = await sh("exit 0");
  await ended(pid);
  reap(pid);
  for (const target of [0, 1, process.pid, pid]) {
    expect(await signalVerified(target, 0, () => true)).toBe(false);
  }
});
