import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { caller, CommandWorld, linesOf, typesOf } from "../support/commands.ts";

let world: CommandWorld;
beforeEach(async () => {
  world = new CommandWorld();
  await world.boot();
});
afterEach(() => world.assertFoldIsLive());

const put = (name: string, definition: object = {}, durationMs = 0) =>
  world.commands.put(name, { cmd: name, ...definition }, durationMs, caller);

const update = (change: object) => world.commands.update("web", change, 0, caller);
const stop = (name: string, withDependents = false) =>
  world.commands.stop(name, { withDependents }, caller);

/** Puts a service and waits until it runs. */
async function run(name: string, definition: object = {}): Promise<void> {
  await put(name, definition);
  await world.settle();
}

describe("put", () => {
  it("says started and complete once the process is there, with no time to watch", async () => {
    expect(await typesOf(await put("web"))).toEqual(["started", "complete"]);
  });

  it("shows the output of its time, and only that", async () => {
    const reply = await put("web", {}, 5_000);
    await world.settle();
    world.writes("web", "hello");
    await world.pass(5_000);
    world.writes("web", "later");
    const lines = await linesOf(reply);
    expect(lines.map(({ type }) => type)).toEqual(["started", "stdout", "complete"]);
    expect(lines[1]).toMatchObject({ data: "hello\n" });
    expect(lines[2]).toMatchObject({ logFile: "/logs/web.log" });
  });

  it("ends with the exit when the process dies, after its last words", async () => {
    world.lastWords = false;
    const reply = await put("web", {}, 5_000);
    await world.settle();
    const incarnation = world.dispatcher.view.service("web")?.context.open?.id ?? "";
    await world.exits("web", { code: 7 });
    for (const listener of world.listeners.get("web") ?? []) {
      listener(incarnation, { stream: "stderr", time: 1, text: "oops" });
    }
    world.dispatcher.report("service/web", [
      { type: "output.ended", incarnation, logTo: 10, lines: 1 },
    ]);
    await world.settle();
    const lines = await linesOf(reply);
    expect(lines.map(({ type }) => type)).toEqual(["started", "stderr", "exit"]);
    expect(lines.at(-1)).toMatchObject({ exitCode: 7 });
  });

  it("leaves out output that a slow reader does not take, says so, and never what happened", async () => {
    const reply = await put("web", {}, 5_000);
    await world.settle();
    for (let line = 0; line < 30_000; line += 1) world.writes("web", `line ${line}`);
    await world.exits("web", { code: 3 });
    await world.pass(2_000);
    const lines = await linesOf(reply);
    expect(lines.length).toBeLessThan(11_000);
    expect(lines[0]).toMatchObject({ type: "started" });
    expect(lines.at(-1)).toMatchObject({ type: "exit", exitCode: 3 });
    expect(
      lines.filter((line) => "data" in line && line.data.includes("not shown here")),
    ).toHaveLength(1);
  });

  it("keeps no more output than that while the start itself is still on its way to the disk", async () => {
    const reply = await world.commands.put("web", { cmd: "web" }, 5_000, caller);
    // The spawn is asked for, and its report is not stored yet.
    expect(world.phase("web")).toBe("starting");
    for (let line = 0; line < 30_000; line += 1) world.writes("web", `line ${line}`);
    await world.settle();
    await world.pass(5_000);
    const lines = await linesOf(reply);
    expect(lines.length).toBeLessThan(11_000);
    expect(lines[0]).toMatchObject({ type: "started" });
    const texts = lines.flatMap((line) => ("data" in line ? [line.data] : []));
    const missing = texts.flatMap((text) => /gap: (\d+) lines? /.exec(text)?.[1] ?? []).map(Number);
    const shown = texts.filter((text) => text.startsWith("line ")).length;
    expect(missing.reduce((sum, count) => sum + count, shown)).toBe(30_000);
    expect(lines.at(-1)).toMatchObject({ type: "complete" });
  });

  it("waits two seconds for last words that do not end", async () => {
    world.lastWords = false;
    const reply = await put("web", {}, 5_000);
    await world.settle();
    await world.exits("web", { signal: "SEGV" });
    await world.pass(2_000);
    expect((await linesOf(reply)).at(-1)).toMatchObject({ type: "exit", exitCode: 139 });
  });

  it("says why it ends what did not become ready, before the exit that comes of it", async () => {
    const ready = { kind: "tcp", port: 80 };
    const reply = await put("web", { ready, readyTimeoutMs: 2_000 }, 5_000);
    await world.settle();
    await world.pass(2_000);
    await world.settle();
    const lines = await linesOf(reply);
    expect(lines.map(({ type }) => type)).toEqual(["started", "error", "exit"]);
    expect(lines[1]).toMatchObject({ data: expect.stringMatching(/^not ready within 2 s/) });
  });

  it("says error and exit 1 where there is nothing to spawn", async () => {
    world.programs["web"] = { spawnFails: "ENOENT" };
    const lines = await linesOf(await put("web"));
    expect(lines).toMatchObject([
      { type: "error", data: "Failed to start service: cannot: ENOENT" },
      { type: "exit", exitCode: 1 },
    ]);
  });

  it("leaves a running service with the same definition alone", async () => {
    await run("web", { env: { A: "1" } });
    const before = world.rows.length;
    const lines = await linesOf(await put("web", { env: { A: "1" } }));
    expect(lines).toMatchObject([
      { type: "complete", message: expect.stringContaining("already running") },
    ]);
    expect(world.rows).toHaveLength(before);
  });

  it("takes a default that is written out for the same definition", async () => {
    await run("web");
    const before = world.rows.length;
    await put("web", { restart: "always", args: [] });
    expect(world.rows).toHaveLength(before);
  });

  it("starts a stopped service with the same definition", async () => {
    await run("web");
    await typesOf(await world.commands.stop("web", { withDependents: false }, caller));
    expect(await typesOf(await put("web"))).toEqual(["started", "complete"]);
    expect(world.phase("web")).toBe("running");
  });

  it("replaces the process of a service that it changes", async () => {
    await run("web");
    expect(await typesOf(await put("web", { args: ["x"] }))).toEqual([
      "stopping",
      "stopped",
      "started",
      "complete",
    ]);
    expect(world.dispatcher.view.service("web")?.context.version).toBe(2);
  });

  it("says what it waits for", async () => {
    world.programs["db"] = { spawnFails: "ENOENT" };
    await put("db");
    const lines = await linesOf(await put("app", { needs: ["db"] }));
    expect(lines).toMatchObject([
      { type: "pending", data: "waiting for db" },
      { type: "complete" },
    ]);
  });

  it("goes on with the version after a delete, so that it never names another definition", async () => {
    await run("web");
    await world.commands.remove("web", caller);
    await run("web");
    expect(world.dispatcher.view.service("web")?.context.version).toBe(2);
  });

  it.each([
    [{ needs: ["none"] }, "dependency not found: none"],
    [{ needs: ["app"] }, "service cannot depend on itself"],
    [{ needs: ["web"] }, "circular dependency detected: app -> web -> app"],
  ])("refuses needs %j", async (definition, message) => {
    await run("app");
    await run("web", { needs: ["app"] });
    const before = world.rows.length;
    await expect(put("app", definition)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message),
      details: { field: "needs" },
    });
    expect(world.rows).toHaveLength(before);
  });

  it("refuses a second HTTP port, and lets a service change its own", async () => {
    await run("web", { httpPort: 80 });
    await expect(put("other", { httpPort: 81 })).rejects.toMatchObject({
      code: "http_port_taken",
      message: "another service already has an HTTP port configured",
    });
    await put("web", { httpPort: 82 });
    expect(world.dispatcher.view.service("web")?.context.definition.httpPort).toBe(82);
  });

  it("refuses a second HTTP port also where both come in the same moment", async () => {
    const results = await Promise.allSettled([
      put("a", { httpPort: 80 }),
      put("b", { httpPort: 80 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("refuses a version that is not the caller's any more", async () => {
    await run("web");
    const stale = world.commands.put("web", { cmd: "x" }, 0, { ...caller, ifMatch: 9 });
    await expect(stale).rejects.toMatchObject({ code: "version_conflict" });
    await world.commands.put("web", { cmd: "x" }, 0, { ...caller, ifMatch: 1 });
    expect(world.dispatcher.view.service("web")?.context.version).toBe(2);
  });

  it("stores no value of env in an event", async () => {
    await run("web", { env: { TOKEN: "CANARY" } });
    expect(JSON.stringify(world.rows)).not.toContain("CANARY");
    expect(world.commands.get("web", caller).envValues).toEqual({ TOKEN: "CANARY" });
    expect(world.commands.list(caller)[0]?.envValues).toBeUndefined();
  });

  it("clears env where it is left out", async () => {
    await run("web", { env: { A: "1" } });
    await run("web");
    expect(world.commands.get("web", caller).envValues).toEqual({});
  });
});

describe("update", () => {
  it("changes what is given and keeps the rest, env included", async () => {
    await run("web", { args: ["a"], env: { A: "1" } });
    await update({ args: ["b"] });
    expect(world.commands.get("web", caller)).toMatchObject({
      definition: { args: ["b"] },
      envValues: { A: "1" },
    });
  });

  it("removes what is null", async () => {
    await run("web", { httpPort: 80 });
    await update({ httpPort: null });
    expect(world.dispatcher.view.service("web")?.context.definition.httpPort).toBeUndefined();
  });

  it("does not start what a person stopped", async () => {
    await run("web");
    await typesOf(await world.commands.stop("web", { withDependents: false }, caller));
    await update({ args: ["b"] });
    await world.settle();
    expect(world.phase("web")).toBe("stopped");
  });

  it("refuses a service that is not there", async () => {
    await expect(update({ args: [] })).rejects.toMatchObject({ code: "service_not_found" });
  });
});

describe("stop", () => {
  it("says stopping, stopped with the code of the end, complete", async () => {
    await run("web");
    const lines = await linesOf(await stop("web"));
    expect(lines).toMatchObject([
      { type: "stopping" },
      { type: "stopped", exitCode: 143 },
      { type: "complete" },
    ]);
  });

  it("says stopping before what the service still writes", async () => {
    await run("web");
    const reply = stop("web");
    world.writes("web", "early");
    const lines = await linesOf(await reply);
    expect(lines.map(({ type }) => type)).toEqual(["stopping", "stdout", "stopped", "complete"]);
  });

  it("refuses what is stopped already", async () => {
    await run("web");
    await typesOf(await stop("web"));
    await expect(stop("web")).rejects.toMatchObject({ code: "service_stopped" });
  });

  it("refuses what a running service needs, unless that goes first", async () => {
    await run("db");
    await run("app", { needs: ["db"] });
    await expect(stop("db")).rejects.toMatchObject({
      code: "service_needed",
      message: expect.stringContaining("app"),
    });
    expect(await linesOf(await stop("db", true))).toMatchObject([
      { type: "stopping", data: "app needs it and was stopped first" },
      { type: "stopping" },
      { type: "stopped" },
      { type: "complete" },
    ]);
    expect([world.phase("app"), world.phase("db")]).toEqual(["stopped", "stopped"]);
  });

  it("says so where something survives KILL", async () => {
    world.programs["web"] = { immortal: true };
    await run("web");
    const reply = await stop("web");
    await world.settle();
    expect(await linesOf(reply)).toMatchObject([
      { type: "stopping" },
      { type: "error", code: "timed_out", data: expect.stringContaining("survives SIGKILL") },
      { type: "complete" },
    ]);
    expect(world.phase("web")).toBe("stopping");
  });

  it("ends a crash loop: the service is not shown as crash-looping any more", async () => {
    await run("web");
    for (let life = 0; life < 6; life += 1) {
      await world.exits("web", { code: 1 });
      await world.pass(8_000);
    }
    const flags = () => world.commands.get("web", caller).flags;
    expect(flags()).toEqual(["crash-looping"]);
    await stop("web");
    await world.settle();
    expect(flags()).toEqual([]);
  });

  it("records the wish where the service is down but should run", async () => {
    await run("web");
    await world.exits("web", { code: 1 });
    expect(await typesOf(await stop("web"))).toEqual(["stopped", "complete"]);
    expect(world.phase("web")).toBe("stopped");
  });
});

describe("start, restart and signal", () => {
  it("of what runs: start says so, restart replaces", async () => {
    await run("web");
    expect(await linesOf(await world.commands.start("web", 0, caller))).toMatchObject([
      { type: "complete", message: expect.stringContaining("already running") },
    ]);
    const restarted = world.commands.restart("web", 0, undefined, caller).then(linesOf);
    expect((await restarted).map(({ type }) => type)).toEqual([
      "stopping",
      "stopped",
      "started",
      "complete",
    ]);
  });

  it("of what is stopped: restart starts it", async () => {
    await run("web");
    await world.commands.stop("web", { withDependents: false }, caller);
    await world.settle();
    expect(await typesOf(await world.commands.restart("web", 0, undefined, caller))).toEqual([
      "started",
      "complete",
    ]);
  });

  it("of what was never spawned: who asked first is told of the next start", async () => {
    const spawn = world.runner.spawn.bind(world.runner);
    world.runner.spawn = () => {};
    const first = put("web").then(typesOf);
    await world.settle();
    world.runner.spawn = spawn;
    const second = world.commands.restart("web", 0, undefined, caller).then(typesOf);
    expect(await first).toEqual(["started", "complete"]);
    expect((await second).slice(-2)).toEqual(["started", "complete"]);
  });

  it("of what then waits for a need: with no time to watch, restart says so and ends", async () => {
    await run("db");
    await run("web", { needs: ["db"] });
    await world.exits("db", { code: 1 });
    const lines = await linesOf(await world.commands.restart("web", 0, undefined, caller));
    expect(lines.map(({ type }) => type)).toEqual(["stopping", "stopped", "pending", "complete"]);
    expect(lines[2]).toMatchObject({ data: "waiting for db" });
  });

  it("set restart_count to 0", async () => {
    await run("web");
    await world.exits("web", { code: 1 });
    await world.pass(1_000);
    expect(world.commands.get("web", caller).restartCount).toBe(1);
    await world.commands.start("web", 0, caller);
    expect(world.commands.get("web", caller).restartCount).toBe(0);
  });

  it("refuse what is not there, and a signal to what has no process", async () => {
    await expect(world.commands.start("none", 0, caller)).rejects.toMatchObject({
      code: "service_not_found",
    });
    await run("web");
    await world.exits("web", { code: 1 });
    await expect(world.commands.signal("web", "HUP", caller)).rejects.toMatchObject({
      code: "service_not_running",
    });
  });
});

describe("remove", () => {
  it("stops first and resolves when nothing is left", async () => {
    await run("web");
    await world.commands.remove("web", caller);
    expect(world.alive("web")).toBe(0);
    expect(world.commands.list(caller)).toEqual([]);
  });

  it("refuses what another service needs, whether that runs or not", async () => {
    await run("db");
    await run("app", { needs: ["db"] });
    await expect(world.commands.remove("db", caller)).rejects.toMatchObject({
      code: "service_needed",
    });
  });

  it("of the next service of the name is not answered by the end of the last one", async () => {
    world.programs["web"] = { stubborn: true };
    await run("web");
    const first = world.commands.remove("web", caller);
    await world.settle();
    const incarnation = world.dispatcher.view.service("web")?.context.open?.id;
    world.processes.clear();
    world.dispatcher.report("service/web", [
      { type: "process.exited", incarnation, status: { signal: "KILL" } },
      { type: "incarnation.emptied", incarnation },
    ]);
    const born = put("web");
    let isAnswered = false;
    const second = world.commands.remove("web", caller).then(() => (isAnswered = true));
    await Promise.all([first, born]);
    await world.settle();
    expect([isAnswered, world.alive("web")]).toEqual([false, 1]);
    await world.pass(15_000);
    await second;
    expect(world.alive("web")).toBe(0);
  });

  it("refuses a second create until it is gone", async () => {
    world.programs["web"] = { immortal: true };
    await run("web");
    await expect(world.commands.remove("web", caller)).rejects.toMatchObject({ code: "timed_out" });
    await expect(put("web")).rejects.toMatchObject({ code: "service_deleting" });
  });
});

describe("while the daemon ends", () => {
  it("nothing new is taken", async () => {
    await run("web");
    await world.wish("environment/sprite", {
      type: "environment.drain_requested",
      reason: "TERM",
      deadlineMs: 1_000,
    });
    await expect(put("other")).rejects.toMatchObject({ code: "shutting_down" });
    await expect(world.commands.start("web", 0, caller)).rejects.toMatchObject({
      code: "shutting_down",
    });
  });
});
