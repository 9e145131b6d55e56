import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { acquireLock, lockFile, type LockOwner } from "../../src/journal/lock.ts";
import { temporaryDirectory } from "./fixture.ts";
import { killed, startProgram } from "./processes.ts";

const startTime = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19] ?? "";
const us: LockOwner = {
  pid: process.pid,
  startTime,
  socket: "/tmp/api.sock",
  version: "0.0.1",
  since: 5,
};

async function locked(stateDirectory: string) {
  const lock = await acquireLock(stateDirectory, us);
  onTestFinished(() => lock.release());
  return lock;
}

describe("the state lock", () => {
  it("names its owner in the file", async () => {
    const stateDirectory = temporaryDirectory();
    writeFileSync(lockFile(stateDirectory), `${"an older and longer name ".repeat(20)}\n`);

    await locked(stateDirectory);

    expect(JSON.parse(readFileSync(lockFile(stateDirectory), "utf8"))).toEqual(us);
  });

  it("is refused to a second daemon at once, with the first one's pid and socket", async () => {
    const stateDirectory = temporaryDirectory();
    const first = startProgram("holding-process.ts", stateDirectory);
    await vi.waitFor(() => expect(first.lines).toEqual(["locked"]), { timeout: 20_000 });

    await expect(acquireLock(stateDirectory, us)).rejects.toMatchObject({
      code: "daemon_running",
      message: expect.stringMatching(
        new RegExp(
          `pid ${first.pid}, version 1\\.2\\.3, since 20.*answers on /run/api\\.sock.*kill ${first.pid}`,
        ),
      ),
      details: { pid: first.pid, socket: "/run/api.sock" },
    });
    expect(JSON.parse(readFileSync(lockFile(stateDirectory), "utf8"))).toMatchObject({
      pid: first.pid,
    });
  });

  it("is refused within one process too", async () => {
    const stateDirectory = temporaryDirectory();
    await locked(stateDirectory);

    await expect(acquireLock(stateDirectory, us)).rejects.toMatchObject({ code: "daemon_running" });
  });

  it("is free again after a release", async () => {
    const stateDirectory = temporaryDirectory();
    (await locked(stateDirectory)).release();

    await expect(
      acquireLock(stateDirectory, us).then((lock) => lock.release()),
    ).resolves.toBeUndefined();
  });

  it("is free again when its owner was killed", async () => {
    const stateDirectory = temporaryDirectory();
    const first = startProgram("holding-process.ts", stateDirectory);
    await vi.waitFor(() => expect(first.lines).toEqual(["locked"]), { timeout: 20_000 });
    await killed(first);

    await locked(stateDirectory);

    expect(JSON.parse(readFileSync(lockFile(stateDirectory), "utf8"))).toEqual(us);
  });

  it("names the process that still holds it when its owner is gone, and is free when that is gone too", async () => {
    const stateDirectory = temporaryDirectory();
    const first = startProgram("holding-process.ts", stateDirectory, "sleep");
    await vi.waitFor(() => expect(first.lines).toContain("locked"), { timeout: 20_000 });
    const heir = Number(first.lines[0]);
    onTestFinished(() => {
      if (ended) return;
      process.kill(heir, "SIGKILL");
    });
    let ended = false;
    await killed(first);

    await expect(acquireLock(stateDirectory, us)).rejects.toMatchObject({
      code: "daemon_running",
      message: expect.stringMatching(
        new RegExp(`pid ${first.pid}, .*is gone: ${heir} \\(sleep\\) still holds the lock`),
      ),
      details: { pid: first.pid, holders: [String(heir)] },
    });

    process.kill(heir, "SIGKILL");
    ended = true;
    await locked(stateDirectory);
  });

  it("waits for a child that is about to let go", async () => {
    const stateDirectory = temporaryDirectory();
    const first = startProgram("holding-process.ts", stateDirectory, "sleep");
    await vi.waitFor(() => expect(first.lines).toContain("locked"), { timeout: 20_000 });
    await killed(first);
    const waiting = acquireLock(stateDirectory, us);

    setImmediate(() => process.kill(Number(first.lines[0]), "SIGKILL"));

    (await waiting).release();
  });

  it("is not taken in a directory that others can write to", async () => {
    const stateDirectory = temporaryDirectory();
    chmodSync(stateDirectory, 0o777);

    await expect(acquireLock(stateDirectory, us)).rejects.toMatchObject({
      code: "storage_foreign",
    });
  });
});
