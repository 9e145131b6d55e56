/**
 * A daemon's part that owns one service, to be killed by a test: spawns a program, prints what is on record of it as JSON, and lives on.
 * Arguments: directory for the FIFOs, program, its arguments.
 */
import { machineBoot } from "../../src/effects/identity.ts";
import { createKit } from "./runner-kit.ts";

const [runDir = "", cmd = "", ...args] = process.argv.slice(2);
const kit = createKit({ runDir });
const incarnation = kit.spawn({ cmd, args });
const { pid, startTime } = await kit.fact(incarnation, "process.spawned");
const line = (await kit.line(incarnation, /(up|escapee) (\d+)/))[2];
console.log(
  JSON.stringify({ incarnation, pid, startTime, machineBoot: machineBoot(), told: Number(line) }),
);
setInterval(() => {}, 1_000_000);
