/** Prints the limits of open files that services get, before and after this process needs more descriptors than it was started with. */
import { openSync } from "node:fs";
import { keepSoftNofile } from "../../src/effects/nofile.ts";
import { nofileLimit } from "../../src/posix/calls.ts";
import { createKit } from "./runner-kit.ts";

const nofile = keepSoftNofile(process.env);
const kit = createKit({ nofile });

async function inService(): Promise<string> {
  const args = ["-c", 'echo "limits $(ulimit -Sn) $(ulimit -Hn) [$1] [$2]"', "zero", "a b", "--"];
  const incarnation = kit.spawn({ cmd: "sh", args });
  await kit.fact(incarnation, "output.ended");
  return kit.logs.text(incarnation).trim();
}

const first = await inService();
const own = nofileLimit().soft;
for (let count = 0; count < 150; count += 1) openSync("/dev/null", "r");
const second = await inService();
console.log(JSON.stringify({ first, own, second, raised: nofileLimit().soft }));
await kit.close();
nofile.close();
process.exit(0);
