/** Two services whose exec hangs for some seconds, as on a dead mount: tells by IPC what a runner makes of it. Begins when it is told to. */
import { once } from "node:events";
import { allPids, openFilesWith } from "../../src/posix/proc.ts";
import { createKit, until } from "../effects/runner-kit.ts";

/** A program that executes no other: each would hang as well. */
const WAITS = { cmd: "cat", args: ["/dev/stdout"] };

const kit = createKit();
process.send?.("ready");
await once(process, "message");

let ticks = 0;
const ticking = setInterval(() => (ticks += 1), 10);
const slow = kit.spawn(WAITS);
const killed = kit.spawn(WAITS);
for (const incarnation of [slow, killed]) {
  await until("a child that hangs in its exec", () => isHeld(incarnation));
}
const before = ticks;
kit.stop(killed, 200);
kit.stop(slow, 3_600_000);
const named = await kit.fact(slow, "process.unkillable");
const ticked = ticks - before > 20;
const wasSpawned = kit.facts(slow).length > 1;
const spawned = await kit.fact(slow, "process.spawned");
const tell = async (incarnation: string) => ({
  end: (await kit.fact(incarnation, "process.exited")).status,
  facts: (await kit.fact(incarnation, "incarnation.emptied")) && types(incarnation),
});
const told = { slow: await tell(slow), killed: await tell(killed) };
clearInterval(ticking);
process.send?.({ ticked, wasSpawned, namedRightly: named.pid === spawned.pid, ...told });
await kit.close();
process.disconnect();

/** Whether a process has the pipes of an incarnation open. */
function isHeld(incarnation: string): boolean {
  const others = allPids().filter((pid) => pid !== process.pid);
  return others.some(
    (pid) => openFilesWith(pid, (path) => path.includes(incarnation)).length === 2,
  );
}

function types(incarnation: string): string[] {
  const all = kit.facts(incarnation).map(({ type }) => type);
  return all.filter((type) => type !== "output.ended");
}
