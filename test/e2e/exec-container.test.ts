import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { canRunContainers, Container } from "../support/container.ts";
import { Sprite } from "../support/daemon.ts";
import { executed, shell } from "../support/executed.ts";
import { until } from "../support/until.ts";

/*
 * The main process is a container, and commands run in it.
 */

describe.runIf(canRunContainers)("with crun exec as the wrapper", () => {
  let made: Sprite;
  let container: Container;

  beforeAll(async () => {
    made = new Sprite();
    container = new Container(made.dir, ["sleep", "100000"]);
    const config = join(made.dir, "config.json");
    writeFileSync(
      config,
      JSON.stringify({ process_command: container.run, exec_wrapper_command: container.exec }),
    );
    await made.boot({ flags: ["--config", config] });
    const isUp = async (): Promise<boolean> => (await executed(made, ["true"])).code === 0;
    await until("the container is up", isUp); // its runtime runs before it does
  });
  afterAll(async () => {
    await made.cleanUp();
    container.delete();
  });

  it("a command runs inside, with directory, variables, input and exit code", async () => {
    const ran = await executed(made, shell('echo "$(hostname) $(pwd) $IN $A"; cat; exit 7'), {
      dir: "/data",
      env: { A: "it's\nhere" },
      stdin: "input",
    });

    expect(ran).toEqual({
      stdout: `${container.hostname} /data container it's\nhere\ninput`,
      stderr: "",
      code: 7,
    });
    expect(await executed(made, ["pwd"])).toMatchObject({ stdout: "/\n", code: 0 });
  });

  it("what is not in the image, and a directory that is not, are told", async () => {
    const without = await executed(made, ["python3"]);
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain("python3");
    const nowhere = await executed(made, ["pwd"], { dir: "/nowhere" });
    expect(nowhere).toMatchObject({ stdout: "", code: 126 });
    expect(nowhere.stderr).toContain("/nowhere");
  });

  it.each([
    ["that ends by TERM", ""],
    ["that takes no notice of TERM", "trap '' TERM;"],
  ])("a command %s is gone when whoever asked has left", async (_, trap) => {
    const leaving = new AbortController();
    const mark = `mark-${Math.random()}`;
    const command = [...shell(`${trap} echo up; while :; do sleep 0.1; done`), mark];
    const client = new Client({ socket: made.socket });
    const pieces = await client.exec(command, { signal: leaving.signal });
    const reading = (async () => {
      for await (const piece of pieces) if (piece.type === "stdout") leaving.abort();
    })().catch(() => {}); // it was left
    await reading;
    const running = (): string => spawnSync("pgrep", ["-af", mark], { encoding: "utf8" }).stdout;

    await until("nothing of it runs", () => running() === "", 60_000, running);
    expect((await executed(made, ["hostname"])).stdout).toBe(`${container.hostname}\n`);
  });
});
