import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";

const MODULE = fileURLToPath(new URL("../../src/posix/environment.ts", import.meta.url));
const CANARY = "CANARY-51d0c2e4";

/** A Node that forgets FORGOTTEN and then waits. */
async function forgetting(env: NodeJS.ProcessEnv) {
  const script = `
    import { forgetVariable } from ${JSON.stringify(MODULE)};
    forgetVariable("FORGOTTEN");
    console.log(JSON.stringify([process.env.FORGOTTEN ?? null, process.env.KEPT]));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env["PATH"], KEPT: "kept", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { said: JSON.parse(said.toString()) as unknown, pid: child.pid ?? 0 };
}

it("takes a variable out of the environment and out of what /proc shows, and leaves the others", async () => {
  const { said, pid } = await forgetting({ FORGOTTEN: CANARY });
  const shown = readFileSync(`/proc/${pid}/environ`, "utf8");

  expect(said).toEqual([null, "kept"]);
  expect(shown).toContain("KEPT=kept");
  expect(shown).not.toContain(CANARY);
});

it("does nothing where there is no such variable", async () => {
  expect((await forgetting({})).said).toEqual([null, "kept"]);
});
