/**
 * In a PID namespace of its own: a service's daemon is killed, then the service, and a bystander gets its pid. Prints what a new daemon makes of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readStat } from "../../src/posix/proc.ts";
import type { OpenIncarnation } from "../../src/runtime/ports.ts";
import { createKit, fixture, runs, until } from "./runner-kit.ts";

const kit = createKit({ runDir: mkdtempSync(join(tmpdir(), "sprite-env-reuse-")) });
const owner = spawn(
  process.execPath,
  [fileURLToPath(new URL("owner.ts", import.meta.url)), kit.dir, fixture("forever")],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const [line] = (await once(owner.stdout, "data")) as [Buffer];
const { incarnation, pid, startTime, machineBoot } = JSON.parse(line.toString()) as {
  pid: number;
} & OpenIncarnation;
owner.kill("SIGKILL");
await once(owner, "exit");
process.kill(-pid, "SIGKILL");
await until("its number to be free", () => !readStat(pid));

let bystander = spawn("true");
for (let tries = 0; tries < 50 && bystander.pid !== pid; tries += 1) {
  writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1));
  bystander = spawn("sleep", ["1000"]);
  if (bystander.pid !== pid) bystander.kill("SIGKILL");
}

const open = {
  stream: "service/web",
  incarnation,
  pid,
  machineBoot,
  exited: false,
  ...(startTime !== undefined && { startTime }),
};
const found = (await kit.runner.look([open])).get(incarnation);
kit.runner.signal({ stream: open.stream, incarnation, signal: "KILL" });
kit.stop(incarnation, 0);
await kit.fact(incarnation, "incarnation.emptied");
console.log(JSON.stringify({ reused: bystander.pid === pid, found, lives: runs(pid) }));
bystander.kill("SIGKILL");
await kit.close();
