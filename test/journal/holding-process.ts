/** A program that takes the lock of a state directory and says so, or prints why it cannot. With a second argument it starts that program, which keeps the lock. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { acquireLock, lockFile } from "../../src/journal/lock.ts";

const [stateDirectory = "", heir] = process.argv.slice(2);
const startTime = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19] ?? "";
try {
  await acquireLock(stateDirectory, {
    pid: process.pid,
    startTime,
    socket: "/run/api.sock",
    version: "1.2.3",
    since: Date.now(),
  });
  if (heir !== undefined) inherit(heir);
  console.log("locked");
  setInterval(() => {}, 60_000);
} catch (error) {
  console.log(JSON.stringify(error));
}

/** As between fork and exec: the child has the lock's descriptor. */
function inherit(program: string): void {
  const fd = readdirSync("/proc/self/fd").find((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === lockFile(stateDirectory);
    } catch {
      return false; // the descriptor of the directory itself
    }
  });
  const child = spawn(program, ["60"], {
    stdio: ["ignore", "ignore", "ignore", Number(fd)],
    detached: true,
  });
  console.log(child.pid);
}
