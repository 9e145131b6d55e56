/** Two services whose exec hangs for some seconds, as on a dead mount: tells by IPC what a runner makes of it. Begins when it is told to. */
import { existsSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { createKit, fixture, until } from "./runner-kit.ts";

const kit = createKit();
process.send?.("ready");
await once(process, "message");

let ticks = 0;
const ticking = setInterval(() => (ticks += 1), 10);
const slow = kit.spawn({ cmd: fixture("graceful") });
const killed = kit.spawn({ cmd: fixture("graceful") });
for (const incarnation of [slow, killed]) {
  await until("its spawn", () => existsSync(join(kit.dir, incarnation, "err")));
}
const before = ticks;
kit.stop(killed, 200);
kit.stop(slow, 3_600_000);
await kit.fact(killed, "incarnation.emptied", 5_000);
const wasSlowSpawned = kit.facts(slow).length > 0;
const { pid } = await kit.fact(slow, "process.unkillable", 20_000);
const spawned = await kit.fact(slow, "process.spawned", 20_000);
await kit.fact(slow, "incarnation.emptied");
clearInterval(ticking);
process.send?.({
  ticked: ticks - before > 20,
  wasSlowSpawned,
  namedRightly: pid === spawned.pid,
  killed: kit
    .facts(killed)
    .map(({ type }) => type)
    .filter((type) => type !== "output.ended"),
  slow: kit
    .facts(slow)
    .map(({ type }) => type)
    .filter((type) => type !== "output.ended"),
});
await kit.close();
process.disconnect();
