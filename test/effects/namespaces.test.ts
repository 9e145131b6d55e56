import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** Runs one of the scripts beside this file in namespaces of its own, and reads the JSON that it prints. */
function unshared(script: string, flags: readonly string[]): Record<string, unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = ["--pid", "--fork", "--kill-child", ...flags, "--", process.execPath, path];
  return JSON.parse(execFileSync("unshare", command, { encoding: "utf8" })) as Record<
    string,
    unknown
  >;
}

/** Namespaces of PIDs need root here, and the tool from util-linux. */
const canUnshare = (() => {
  try {
    execFileSync("unshare", ["--pid", "--fork", "--mount-proc", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

it.skipIf(!canUnshare)(
  "signals no bystander that got a service's pid",
  () => {
    expect(unshared("reused-pid.ts", ["--mount-proc"])).toEqual({
      reused: true,
      found: { kind: "none" },
      lives: true,
    });
  },
  30_000,
);

it.skipIf(!canUnshare)(
  "guesses nothing where /proc is another namespace's",
  () => {
    const seen = unshared("without-proc.ts", []);
    expect(seen).toMatchObject({
      startTime: "",
      found: { kind: "unproven", pid: seen["asked"] },
      status: { signal: "TERM" },
      isLeft: false,
      bystander: true,
    });
  },
  30_000,
);
