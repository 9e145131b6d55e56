import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const script = fileURLToPath(new URL("nofile-runner.ts", import.meta.url));

/** Runs the script under limits of its own. @param limits for the shell's ulimit */
function run(limits: string, soft: string): Record<string, unknown> {
  const command = `${limits} && SPRITE_ENV_NOFILE=${soft} exec "$0" "$1"`;
  const out = execFileSync("sh", ["-c", command, process.execPath, script], { encoding: "utf8" });
  return JSON.parse(out) as Record<string, unknown>;
}

it("gives services the soft limit it was started with, also when it needs more itself", () => {
  expect(run("ulimit -Sn 300 && ulimit -Hn 1024", "300")).toEqual({
    first: "limits 300 1024 [a b] [--]",
    own: 300,
    second: "limits 300 1024 [a b] [--]",
    raised: 1024,
  });
});

it.each(["", "unlimited", "4096"])("leaves its limits alone where it was told %j", (soft) => {
  const seen = run("ulimit -Sn 300 && ulimit -Hn 1024", soft);
  expect(seen).toMatchObject({ own: 1024, raised: 1024, first: "limits 1024 1024 [a b] [--]" });
});
