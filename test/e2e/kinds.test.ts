import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { bootedSprite, sprite, type Sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";

type Body = Record<string, unknown>;

const script = (text: string, more: Body = {}): Body => ({
  cmd: "/bin/bash",
  args: ["-c", text],
  ...more,
});
const FOREVER = "while :; do sleep 0.02; done";

const accepted = async (made: Sprite, name: string, body: Body): Promise<void> => {
  const { status, text } = await made.put(name, body);
  expect(text).not.toContain('"message"');
  expect(status).toBe(200);
};
const runsIn = (made: Sprite, name: string) => made.rowsOf(name, "process.spawned").length;
const types = (made: Sprite, name: string) => made.rowsOf(name).map(({ type }) => type);

/** A boot of the machine, as far as a daemon can tell: process 1 of a PID namespace. */
const MACHINE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const canBoot = spawnSync("unshare", [...MACHINE.slice(1), "true"]).status === 0;

describe("a oneshot", () => {
  it.skipIf(!canBoot)(
    "succeeds once a boot of the machine, and what needs it starts after that",
    async () => {
      const made = sprite();
      await made.boot({ wrapper: MACHINE });
      await accepted(made, "migrate", script("echo migrating; sleep 0.3", { oneshot: true }));
      await accepted(made, "app", script(FOREVER, { needs: ["migrate"] }));
      await made.untilState("app", "runs", ({ phase }) => phase === "running");
      expect(await made.state("migrate")).toMatchObject({ status: "stopped", phase: "stopped" });
      const [exit] = made.rowsOf("migrate", "incarnation.emptied");
      const [asked] = made.rowsOf("app", "process.spawn_requested");
      expect(asked?.seq).toBeGreaterThan(exit?.seq ?? Infinity);

      await made.cutPower();
      await made.boot({ wrapper: MACHINE });
      await made.untilState("app", "runs", ({ phase }) => phase === "running");
      expect([runsIn(made, "migrate"), runsIn(made, "app")]).toEqual([2, 2]);
    },
  );

  it("is not run again by the next daemon in the same boot of the machine", async () => {
    const made = await bootedSprite();
    await accepted(made, "migrate", script("exit 0", { oneshot: true }));
    await accepted(made, "app", script(FOREVER, { needs: ["migrate"] }));
    const pid = await made.untilRunning("app");
    await made.killDaemon();
    await made.boot();
    await made.untilRunning("app", pid);

    expect([runsIn(made, "migrate"), runsIn(made, "app")]).toEqual([1, 2]);
  });

  it("that fails for good keeps what needs it waiting, and says on what", async () => {
    const made = await bootedSprite();
    await accepted(made, "migrate", script("exit 3", { oneshot: true, restart: "never" }));
    await accepted(made, "app", script(FOREVER, { needs: ["migrate"] }));
    const state = await made.untilState("migrate", "failed", ({ phase }) => phase === "failed");

    expect(state.error).toBe("exited with code 3");
    expect(await made.state("app")).toMatchObject({ phase: "pending", waiting_for: ["migrate"] });
    expect(runsIn(made, "app")).toBe(0);
  });

  it("may succeed by another code than 0", async () => {
    const made = await bootedSprite();
    await accepted(
      made,
      "migrate",
      script("exit 4", { oneshot: true, success_exit_codes: [0, 4] }),
    );
    await accepted(made, "app", script(FOREVER, { needs: ["migrate"] }));
    await made.untilRunning("app");

    expect(await made.state("migrate")).toMatchObject({ phase: "stopped", last_exit: { code: 4 } });
  });
});

describe("an exit", () => {
  it("that the definition calls a success ends an on-failure service well, another is retried", async () => {
    const made = await bootedSprite();
    const policy = { restart: "on-failure", success_exit_codes: [7], backoff: { first: "10ms" } };
    const text = "[ -e once ] && exit 7; touch once; exit 0";
    await accepted(made, "web", script(text, policy));
    const state = await made.untilState("web", "has stopped", ({ phase }) => phase === "stopped");

    expect(state).toMatchObject({ restart_count: 1, last_exit: { code: 7 } });
    expect(state.error).toBeUndefined();
  });

  it("too often in the window is a failure for good", async () => {
    const made = await bootedSprite();
    const policy = { max_failures: 3, window: "1m", backoff: { first: "0s" } };
    await accepted(made, "web", script("exit 5", policy));
    const state = await made.untilState("web", "has failed", ({ phase }) => phase === "failed");

    expect(runsIn(made, "web")).toBe(3);
    expect(state).toMatchObject({ error: "exited with code 5", last_exit: { code: 5 } });
    await made.killDaemon();
    await made.boot();
    expect(await made.state("web")).toMatchObject({ phase: "failed" });
    expect((await made.cli("services", "start", "web", "--no-stream")).code).toBe(0);
    await made.untilState("web", "has failed again", ({ phase }) => phase === "failed");
    expect(runsIn(made, "web")).toBe(6);
  });
});

describe("a stop", () => {
  it.each(["SIGUSR2", "rtmin+3", "INT"])(
    "sends the signal of the definition, such as %s",
    async (stop_signal) => {
      const made = await bootedSprite();
      const name = `SIG${stop_signal.toUpperCase().replace("SIG", "")}`;
      const text = `trap "" TERM; trap 'echo "got it"; exit 0' ${name}; echo up; ${FOREVER}`;
      await accepted(made, "web", script(text, { stop_signal }));
      await made.untilLogged("web", "up");
      expect((await made.cli("services", "stop", "web")).code).toBe(0);

      expect(made.log("web")).toContain("got it");
      expect(types(made, "web")).not.toContain("process.kill_sent");
    },
  );

  it("takes the time of the definition, then everything gets KILL", async () => {
    const made = await bootedSprite();
    await accepted(
      made,
      "web",
      script(`trap "" TERM; echo up; ${FOREVER}`, { stop_timeout: "150ms" }),
    );
    await made.untilLogged("web", "up");
    expect((await made.cli("services", "stop", "web")).code).toBe(0);

    expect(types(made, "web")).toContain("process.kill_sent");
    expect(await made.state("web")).toMatchObject({ last_exit: { signal: "KILL" } });
  });
});

/** Ends by USR1 alone, so that what ended it is known. */
const GENTLE = `trap "echo term; exit 3" TERM; trap "echo told to end; exit 0" USR1; echo up; ${FOREVER}`;
const tells = (words: string) => ["sh", "-c", `echo ${words}; kill -USR1 $MAINPID`];

describe("a stop command", () => {
  it("ends the service in the place of the signal, in its log, also at a restart and a shutdown", async () => {
    const made = await bootedSprite();
    await accepted(
      made,
      "web",
      script(GENTLE, { stop_command: tells("stopping $OWN"), env: { OWN: "web" } }),
    );
    await made.untilLogged("web", "up");
    const stopped = await made.cli("services", "stop", "web");
    expect(stopped.code).toBe(0);
    expect(stopped.stdout).toContain("stopping web");
    expect(made.log("web")).toMatch(/\[stdout\] stopping web\n.*\[stdout\] told to end\n/);
    expect(made.log("web")).not.toContain("gap");
    await made.cli("services", "start", "web", "--no-stream");
    await made.untilLogged("web", /up[^]*up/);
    await made.cli("services", "restart", "web", "--no-stream");
    await made.untilLogged("web", /up[^]*up[^]*up/);
    await made.shutDown();

    expect(made.log("web").match(/told to end/g)).toHaveLength(3);
    expect(made.log("web")).not.toContain("term");
    expect(types(made, "web")).not.toContain("process.kill_sent");
  });

  it("that fails is told, and the signal follows at once", async () => {
    const made = await bootedSprite();
    await accepted(
      made,
      "web",
      script(GENTLE, { stop_command: ["sh", "-c", "echo cannot >&2; exit 9"] }),
    );
    await made.untilLogged("web", "up");
    expect((await made.cli("services", "stop", "web")).code).toBe(0);

    expect(made.rowsOf("web", "process.stop_command_failed").map(({ data }) => data)).toMatchObject(
      [{ reason: "`sh` exited with code 9" }],
    );
    expect(made.log("web")).toMatch(/\[stderr\] cannot\n[^]*\[stdout\] term\n/);
  });

  it("is run by the next daemon for what a killed one left", async () => {
    const made = await bootedSprite();
    await accepted(made, "web", script(GENTLE, { stop_command: tells("stopping $MAINPID") }));
    await made.untilLogged("web", "up");
    const { pid = 0 } = await made.state("web");
    await made.killDaemon();
    await made.boot();
    await made.untilRunning("web", pid);

    expect(isLive(pid)).toBe(false);
    expect(made.log("web")).toContain(`stopping ${pid}\n`);
    expect(made.log("web")).toContain("told to end");
    expect(made.log("web")).not.toContain("term");
  });

  it("that hangs is ended with the service when the time is up", async () => {
    const made = await bootedSprite();
    const path = join(made.home, "pid");
    const stop_command = ["sh", "-c", `echo $$ > ${path}; trap "" TERM; sleep 1000`];
    await accepted(made, "web", script(GENTLE, { stop_command, stop_timeout: "700ms" }));
    await made.untilLogged("web", "up");
    expect((await made.cli("services", "stop", "web")).code).toBe(0);

    expect(existsSync(path) && isLive(Number(readFileSync(path, "utf8")))).toBe(false);
    expect(types(made, "web")).toContain("process.kill_sent");
  });
});
