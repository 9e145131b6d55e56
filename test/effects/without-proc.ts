/** In a PID namespace of its own whose /proc is another's: what is known of a service then. */
import { createKit, fixture } from "./runner-kit.ts";
import { machineBoot } from "../../src/effects/identity.ts";
import { pidInUse } from "../../src/posix/calls.ts";

const kit = createKit();
const incarnation = kit.spawn({ cmd: fixture("forever") });
const { pid, startTime } = await kit.fact(incarnation, "process.spawned");
const bystander = kit.spawn({ cmd: fixture("forever") });
const other = await kit.fact(bystander, "process.spawned");
const open = {
  stream: "service/old",
  incarnation: "in_old",
  pid: other.pid,
  startTime: "4711",
  exited: false,
  machineBoot: machineBoot(),
};
const found = (await kit.runner.look([open])).get("in_old");
kit.runner.stop({ stream: open.stream, incarnation: "in_old", signal: "TERM", timeoutMs: 0 });
kit.stop(incarnation);
const { status } = await kit.fact(incarnation, "process.exited");
await kit.fact(incarnation, "incarnation.emptied");
const isLeft = pidInUse(pid);
console.log(
  JSON.stringify({
    startTime,
    found,
    asked: other.pid,
    status,
    isLeft,
    bystander: pidInUse(other.pid),
  }),
);
await kit.close();
