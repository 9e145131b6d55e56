import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BINARY, forEachOf, startDaemon } from "./daemon.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtMost, type Result } from "./result.ts";

/*
 * How long `sprite-env services list` takes with ten services, from the shell's fork to its end. The floor is the same Node doing nothing.
 */

/** Runs of one sample, in a shell whose own forks cost less than ours would. */
const RUNS = 5;
const LOOP = `for run in $(seq ${RUNS}); do "$@" >/dev/null || exit 1; done`;
const SERVICES = 10;

/** Milliseconds a run. */
export async function duration(command: readonly string[], socket: string): Promise<number> {
  const began = performance.now();
  await promisify(execFile)("sh", ["-c", LOOP, "sh", ...command], {
    env: { ...process.env, SPRITE_ENV_SOCKET: socket },
  });
  return (performance.now() - began) / RUNS;
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    const daemon = await startDaemon(directory);
    try {
      await forEachOf(SERVICES, (name) => daemon.create(name, { cmd: "sleep", args: ["1d"] }));
      const ways = {
        nothing: () => duration([process.execPath, "-e", "0"], daemon.socket),
        list: () => duration([BINARY, "services", "list"], daemon.socket),
      };
      await inTurn(1, ways);
      const { nothing, list } = await inTurn(quick ? 5 : 25, ways);
      return [
        compared(
          { name: "services list", value: list, unit: "ms", aim: ratioAtMost(1.35) },
          { name: "node -e 0", value: nothing },
        ),
      ];
    } finally {
      await daemon.end();
    }
  });
}
