import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/logs/log-file.ts";
import { tend } from "../../src/logs/rotate.ts";
import { put, runShell, start, startLogs, tempDir, tempPlace, textsIn, until } from "./harness.ts";

const ignore = (): void => {};

/** Mounts a small disk in memory; undefined where that is not allowed. */
function smallDisk(bytes: number): string | undefined {
  const directory = join(tempDir(), "disk");
  mkdirSync(directory);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},nr_inodes=50`, "none", directory], {
      stdio: "pipe",
    });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", directory]));
  return directory;
}

const gap =
  /^\[sprite-env\] gap: (\d+) lines? \((\d+) bytes\) could not be written: No space left on device$/;
const lostIn = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Number(gap.exec(text)?.[1] ?? 0), 0);

it("sheds lines while the disk is full, never tears one, and says how many are missing", ({
  skip,
}) => {
  const logDir = smallDisk(256 * 1024) ?? skip("needs the right to mount");
  const log = openLog(tempPlace({ logDir }), "web", ignore);
  const texts = Array.from({ length: 10_000 }, (_, n) => `line ${n}`);
  const dropped = put(log, ...texts);
  expect(put(log, "also lost")).toBeGreaterThan(0);
  const kept = textsIn(log.path);
  expect(kept).toEqual(texts.slice(0, kept.length));
  writeFileSync(log.path, ""); // somebody makes room
  tend(log);
  put(log, "kept again");
  expect(textsIn(log.path)).toEqual([expect.stringMatching(gap), "kept again"]);
  expect(lostIn(textsIn(log.path))).toBe(10_000 - kept.length + 1);
  expect(dropped).toBeGreaterThan(0);
});

it("counts each line of a service as kept or missing, and never blocks it", async ({ skip }) => {
  const disk = smallDisk(1024 * 1024) ?? skip("needs the right to mount");
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, Buffer.alloc(700 * 1024));
  const { logs, incidents } = await startLogs(tempDir(), { logDir: join(disk, "logs") });
  const pipes = await logs.open("web", "in_1");
  await runShell(pipes, "seq 200000"); // ends, though most of it has no room
  const ended = await logs.finish("in_1", 20_000);
  rmSync(ballast);
  await until("lines are kept again", () => incidents.some(({ kind }) => kind === "gap_ended"));
  const texts = textsIn(logs.fileOf("web"));
  const kept = texts.filter((text) => !gap.test(text));
  expect(ended.lines).toBe(200_000);
  expect(kept.length + lostIn(texts)).toBe(200_000);
  expect(ended.droppedBytes).toBeGreaterThan(0);
  expect(incidents.map(({ kind }) => kind)).toContain("gap_began");
}, 30_000);

it("starts a service whose log cannot even be made for want of room", async ({ skip }) => {
  const disk = smallDisk(64 * 1024) ?? skip("needs the right to mount");
  const { logs, logDir } = await startLogs(tempDir(), { logDir: join(disk, "logs") });
  for (let n = 0; fill(join(disk, `inode${n}`)); n++);
  const { stdout } = await logs.open("web", "in_1");
  const done = join(tempDir(), "done");
  start("sh", ["-c", `exec 1<>${stdout}; seq 100000; touch ${done}; exec sleep 60`]);
  await until("the service wrote all it has", () => existsSync(done));
  execFileSync("find", [disk, "-name", "inode*", "-delete"]);
  await until("the log is there", () => execFileSync("ls", [logDir]).includes("web.log"));
});

function fill(path: string): boolean {
  try {
    writeFileSync(path, "");
    return true;
  } catch {
    return false;
  }
}
