import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootedSprite, fixture, linesOf, type Sprite } from "../support/daemon.ts";
import { describeProcess, isLive, processesAt, signal } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Everything alive that a service of the sprite has started. */
const ofServices = (made: Sprite): string[] =>
  processesAt(made.home)
    .filter((pid) => pid !== made.daemon?.pid)
    .map(describeProcess);

const forever = { cmd: fixture("forever") };

/** A program that goes on with its shutdown until it gets KILL. */
async function putStubborn(made: Sprite, name: string): Promise<void> {
  await made.put(name, { cmd: fixture("ignores-term") });
  await made.untilLogged(name, "up");
}

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

describe("delete", () => {
  it.each<[string, object, string]>([
    ["running", { cmd: fixture("family") }, "running"],
    ["crashed", { cmd: "false", backoff: { first: "30s" } }, "crashed"],
    ["failed", { cmd: "false", restart: "never" }, "failed"],
  ])("ends and removes a service that is %s", async (_, definition, phase) => {
    const made = await bootedSprite();
    await made.put("web", definition);
    await made.untilState("web", `is ${phase}`, (state) => state.phase === phase);
    const { code } = await made.cli("services", "delete", "web");

    expect(code).toBe(0);
    expect(ofServices(made)).toEqual([]);
    expect((await made.cli("services", "get", "web")).code).toBe(3);
    await made.shutDown();
    await made.boot();
    expect((await made.cli("services", "get", "web")).code).toBe(3);
  });

  it("lets the name be used again, with a version that goes on", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    await made.cli("services", "delete", "web");
    await made.put("web", { cmd: "sleep", args: ["100000"] });

    expect(await made.get("web")).toMatchObject({ cmd: "sleep", state: { version: 2 } });
  });

  it("goes on over a SIGKILL of the daemon", async () => {
    const made = await bootedSprite();
    await putStubborn(made, "web");
    const { pid = 0 } = await made.state("web");
    const deleting = made.cli("services", "delete", "web");
    await until("it is asked for", () => made.rowsOf("web", "service.delete_requested").length > 0);
    await made.killDaemon();
    expect((await deleting).code).not.toBe(0);
    signal(pid, "SIGKILL");
    await made.boot();

    await until("it is gone", async () => (await made.cli("services", "get", "web")).code === 3);
    expect(made.rowsOf("web", "process.spawn_requested")).toHaveLength(1);
    expect(ofServices(made)).toEqual([]);
  });

  it("is refused while another service needs it", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { code, stderr } = await made.cli("services", "delete", "db");

    expect(code).toBe(4);
    expect(stderr).toContain("service web depends on db");
    expect(made.rowsOf("db", "service.delete_requested")).toEqual([]);
    expect((await made.state("db")).status).toBe("running");
  });
});

describe("what a running service needs", () => {
  it("is not stopped, and the refusal names who needs it and the way out", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { code, stderr } = await made.cli("services", "stop", "db");

    expect(code).toBe(4);
    expect(stderr).toContain(
      "cannot stop service db: service web depends on it and is running (--with-dependents",
    );
    expect((await made.state("db")).status).toBe("running");
  });

  it("is stopped with --with-dependents, after those", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("api", { ...forever, needs: ["db"] });
    await made.put("page", { ...forever, needs: ["api"] });
    await made.untilRunning("page");
    const { code } = await made.cli("services", "stop", "db", "--with-dependents");

    expect(code).toBe(0);
    expect(ofServices(made)).toEqual([]);
    const seqOf = (name: string, type: string) => made.rowsOf(name, type).at(-1)?.seq ?? -1;
    const asked = (name: string) => seqOf(name, "service.stop_requested");
    expect(asked("api")).toBeGreaterThan(seqOf("page", "incarnation.emptied"));
    expect(asked("db")).toBeGreaterThan(seqOf("api", "incarnation.emptied"));
  });

  it("can be restarted; who needs it is left running", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    const { pid: web } = await made.state("web");
    const { pid: db } = await made.state("db");
    const { code } = await made.cli("services", "restart", "db", "--no-stream");

    expect(code).toBe(0);
    expect((await made.state("db")).pid).not.toBe(db);
    expect((await made.state("web")).pid).toBe(web);
  });

  it("is started with who needs it, as its cause", async () => {
    const made = await bootedSprite();
    await made.put("db", forever);
    await made.put("web", { ...forever, needs: ["db"] });
    await made.cli("services", "stop", "db", "--with-dependents");
    await made.cli("services", "start", "web", "--no-stream");
    await made.untilRunning("web");

    const asked = made.rowsOf("web", "service.start_requested").at(-1);
    expect(made.rowsOf("db", "service.start_requested").at(-1)).toMatchObject({
      actor: "runtime",
      cause: asked?.id,
    });
  });
});

it("takes 50 starts, stops and restarts at the same time one after the other: one life at a time, and the last wish stands", async () => {
  const made = await bootedSprite();
  const file = join(made.dir, "web");
  await made.put("web", { cmd: fixture("once"), args: [file] });
  const verbs = ["start", "stop", "restart", "stop", "start"];
  const asked = Array.from({ length: 50 }, (_, index) => {
    const verb = verbs[index % verbs.length] ?? "";
    const query = verb === "stop" ? "timeout=2s" : "duration=0s";
    return made.ask({ method: "POST", path: `/v1/services/web/${verb}?${query}` });
  });
  const statuses = (await Promise.all(asked)).map(({ status }) => status);

  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  const last = made.rowsOf("web").findLast(({ actor }) => actor.startsWith("uid:"));
  const desired = last?.type === "service.stop_requested" ? "stopped" : "running";
  await made.untilState("web", `is ${desired}`, ({ phase }) => phase === desired);
  expect(existsSync(`${file}.twice`)).toBe(false);
  const mains = ofServices(made).filter((line) => line.endsWith(" sleep 100000 "));
  expect(mains).toHaveLength(desired === "running" ? 2 : 0); // the main process and its child
});

describe("a request with an idempotency key", () => {
  const restart = (made: Sprite, key: string, query = "duration=0s") =>
    made.ask({
      method: "POST",
      path: `/v1/services/web/restart?${query}`,
      headers: { "Idempotency-Key": key },
    });
  const lastLine = (text: string) => linesOf(text).at(-1);

  it("is carried out once, and its repeat gets the same last line", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const first = await restart(made, "once");
    const again = await restart(made, "once");

    expect(again.status).toBe(200);
    expect(lastLine(again.text)).toEqual(lastLine(first.text));
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is waited for by a repeat that comes while it runs", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const both = await Promise.all([restart(made, "once"), restart(made, "once")]);

    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(lastLine(both[0].text)).toEqual(lastLine(both[1].text));
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is carried out once over a SIGKILL of the daemon", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const taken = restart(made, "once", "duration=30s").catch(() => undefined);
    await until("it is taken", () => made.rowsOf("web", "service.restart_requested").length === 1);
    await made.killDaemon();
    await taken;
    await made.boot();
    const again = await restart(made, "once", "duration=30s");

    expect(again.status).toBe(200);
    expect(lastLine(again.text)).toMatchObject({
      type: "complete",
      message: expect.stringContaining("carried out before") as string,
    });
    expect(made.rowsOf("web", "service.restart_requested")).toHaveLength(1);
  });

  it("is refused with another request's key", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    await restart(made, "once");
    const before = made.rows().length;
    const other = await restart(made, "once", "duration=1s");

    expect(other.status).toBe(409);
    expect(other.text).toContain("idempotency_conflict");
    expect(made.rows()).toHaveLength(before);
  });
});

describe("If-Match", () => {
  it("refuses a change of a definition that somebody else changed, and stores nothing", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const { headers } = await made.ask({ path: "/v1/services/web" });
    expect(headers["etag"]).toBe('"1"');
    await made.cli("services", "update", "web", "--args", "first", "--no-stream");
    const before = made.rows().length;
    const late = await made.ask({
      method: "PUT",
      path: "/v1/services/web?duration=0s",
      headers: { "If-Match": '"1"' },
      body: { ...forever, args: ["second"] },
    });
    const { code, stderr } = await made.cli(
      ...(["services", "update", "web", "--args", "third", "--if-match", "1"] as const),
    );

    expect(late.status).toBe(412);
    expect(code).toBe(4);
    expect(stderr).toContain("is at version 2, not at 1");
    expect(await made.get("web")).toMatchObject({ args: ["first"], state: { version: 2 } });
    expect(made.rows().length).toBe(before);
  });

  it("takes the change of who read the newest version", async () => {
    const made = await bootedSprite();
    await made.put("web", forever);
    const { pid } = await made.state("web");
    const { code } = await made.cli(
      ...([
        "services",
        "update",
        "web",
        "--args",
        "new",
        "--if-match",
        "1",
        "--no-stream",
      ] as const),
    );

    expect(code).toBe(0);
    expect(await made.get("web")).toMatchObject({ args: ["new"], state: { version: 2 } });
    expect(isLive(pid ?? 0)).toBe(false);
  });
});
