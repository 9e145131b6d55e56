import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const STRACE = ["-f", "-o", "/dev/null", "-e", "trace=execve"];

/** Delays every exec below a process that runs already, by 9 seconds: the five after which an end is told as hanging, and time to look. */
async function delayExecs(pid: number): Promise<ChildProcess> {
  const inject = ["-e", "inject=execve:delay_enter=9000000", "-p", String(pid)];
  const strace = spawn("strace", [...STRACE, ...inject], { stdio: ["ignore", "ignore", "pipe"] });
  await once(strace.stderr, "data"); // "Process … attached"
  return strace;
}

/** Attaching to what runs already may need root, as the kernel is set. */
const canTrace = process.getuid?.() === 0 && spawnSync("strace", [...STRACE, "true"]).status === 0;

it.skipIf(!canTrace)(
  "goes on with other things while an exec hangs, and ends one that does",
  async () => {
    const script = fork(fileURLToPath(new URL("hanging-exec.ts", import.meta.url)));
    await once(script, "message");
    const strace = await delayExecs(script.pid ?? 0);
    script.send("go");
    const [told] = (await once(script, "message")) as [unknown];
    const rest = ["process.unkillable", "process.spawned", "process.exited", "incarnation.emptied"];
    expect(told).toEqual({
      ticked: true,
      wasSpawned: false,
      namedRightly: true,
      slow: { end: { signal: "TERM" }, facts: rest },
      killed: { end: { signal: "KILL" }, facts: ["process.kill_sent", ...rest] },
    });
    await once(script, "exit");
    strace.kill();
  },
  60_000,
);
