import { describe, expect, it } from "vitest";
import { bootedSprite, fixture, linesOf, type Sprite } from "../support/daemon.ts";
import { signal } from "../support/processes.ts";
import { ofServices, putStubborn } from "../support/services.ts";

const forever = { cmd: fixture("forever") };

describe("when stop returns nothing of the service is alive", () => {
  it("no child, no orphan in a session of its own, nothing that ignores TERM", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("family") });
    await made.untilLogged("web", "up");
    expect(ofServices(made).length).toBeGreaterThanOrEqual(6);
    const { code } = await made.cli("services", "stop", "web");

    expect(ofServices(made)).toEqual([]);
    expect(code).toBe(0);
  });

  it("what a service left behind as it ended is ended before it starts again", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("escapes"), args: ["exit"], backoff: { first: "100ms" } });
    await made.untilState("web", "crashed thrice", ({ restart_count: n = 0 }) => n >= 3);
    await made.cli("services", "stop", "web");

    expect(ofServices(made)).toEqual([]);
    const facts = made.rowsOf("web").map(({ type }) => type);
    const lives = facts.filter((type) =>
      ["process.spawn_requested", "incarnation.emptied"].includes(type),
    );
    expect(lives.join()).toMatch(
      /^(process\.spawn_requested,incarnation\.emptied,?)+$/, // one after the other
    );
  });

  it("a service that ignores TERM gets KILL when its time is over, and the log says so", async () => {
    const made = await bootedSprite();
    await putStubborn(made, "web");
    const { stdout, code } = await made.cli("services", "stop", "web", "--timeout", "300ms");

    expect(linesOf(stdout)).toMatchObject([
      { type: "stopping" },
      { type: "stopped", exit_code: 137 },
      { type: "complete" },
    ]);
    expect(code).toBe(0);
    expect(ofServices(made)).toEqual([]);
    expect(made.rowsOf("web", "process.kill_sent")).toHaveLength(1);
    expect(made.rowsOf("web", "process.exited").at(-1)?.data["status"]).toEqual({ signal: "KILL" });
  });

  it("a service that was stopped by SIGSTOP ends gently", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("graceful") });
    await made.untilLogged("web", "up");
    const { pid = 0 } = await made.state("web");
    signal(pid, "SIGSTOP");
    const { stdout } = await made.cli("services", "stop", "web");

    expect(linesOf(stdout)).toContainEqual(
      expect.objectContaining({ type: "stopped", exit_code: 7 }),
    );
    expect(made.log("web")).toContain("[stdout] goodbye");
    expect(made.rowsOf("web", "process.kill_sent")).toEqual([]);
  });

  it("prints what the service wrote as it ended, before it says stopped", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("graceful") });
    await made.untilLogged("web", "up");
    const { stdout } = await made.cli("services", "stop", "web");

    const lines = linesOf(stdout).filter(({ type }) => type !== "stderr"); // the shell's own words
    expect(lines).toMatchObject([
      { type: "stopping" },
      { type: "stdout", data: "goodbye\n" },
      { type: "stopped", exit_code: 7 },
      { type: "complete" },
    ]);
  });
});

describe("stop ends in stopped from every state", () => {
  const crashes = { cmd: "false", backoff: { first: "30s" } };
  const inPhase = (made: Sprite, phase: string) =>
    made.untilState("web", `is ${phase}`, (state) => state.phase === phase);
  const restarting = async (made: Sprite) => {
    await putStubborn(made, "web");
    void made.cli("services", "restart", "web", "--timeout", "30s", "--no-stream");
    await inPhase(made, "restarting");
  };

  it.each<[string, (made: Sprite) => Promise<unknown>]>([
    [
      "pending",
      async (made) => {
        await made.put("db", crashes);
        await made.untilState("db", "crashed", ({ phase }) => phase === "crashed");
        await made.put("web", { ...forever, needs: ["db"] });
      },
    ],
    ["running", (made) => made.put("web", forever)],
    ["crashed", (made) => made.put("web", crashes)],
    ["restarting", restarting],
    [
      "stopping",
      async (made) => {
        await putStubborn(made, "web");
        void made.cli("services", "stop", "web", "--timeout", "30s");
      },
    ],
    ["failed", (made) => made.put("web", { ...crashes, restart: "never" })],
    ["stopped", (made) => made.put("web", { cmd: "true", restart: "on-failure" })],
  ])("%s", async (phase, prepare) => {
    const made = await bootedSprite();
    await prepare(made);
    await inPhase(made, phase);
    const { code, stderr } = await made.cli("services", "stop", "web", "--timeout", "100ms");

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await made.state("web")).toMatchObject({ phase: "stopped", desired: "stopped" });
    expect(ofServices(made)).toEqual([]);
  });

  it("a start that comes while it stops wins over the stop, and the stop says so", async () => {
    const made = await bootedSprite();
    await putStubborn(made, "web");
    const stopping = made.cli("services", "stop", "web", "--timeout", "1s");
    await inPhase(made, "stopping");
    const started = await made.cli("services", "start", "web", "--no-stream");

    expect(started.code).toBe(0);
    expect((await made.state("web")).status).toBe("running");
    const { code, stdout } = await stopping;
    expect(code).toBe(1);
    expect(stdout).toContain("it was started again");
  });
});
