import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Component, ConfigPlan } from "../../src/client/types.ts";
import { fixture, sprite, type Sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

const WAITS = "while :; do sleep 0.05; done";

/** Scripts of a component's folder, by their names without `.sh`. */
function folder(made: Sprite, name: string, scripts: Readonly<Record<string, string>>): void {
  const directory = join(made.dir, "components", name);
  mkdirSync(directory, { recursive: true });
  for (const [script, text] of Object.entries(scripts)) {
    const file = join(directory, `${script}.sh`);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
}

const FLAGS = (made: Sprite): string[] => ["-components-dir", join(made.dir, "components")];

async function components(made: Sprite): Promise<Record<string, Component>> {
  const { text } = await made.ask({ path: "/v1/components" });
  return Object.fromEntries((JSON.parse(text) as Component[]).map((one) => [one.name, one]));
}

const untilPhase = (made: Sprite, name: string, phase: string) =>
  until(
    `${name} is ${phase}`,
    async () => {
      const found = (await components(made))[name];
      return found?.phase === phase && found;
    },
    20_000,
    () => components(made),
  );

const order = (made: Sprite, type: string): string[] =>
  made
    .rows()
    .filter((row) => row.type === type)
    .map(({ stream }) => stream);

describe("components", () => {
  it("start one after the other, each ready before the next, before the main process and the services", async () => {
    const made = sprite();
    folder(made, "a", { start: WAITS, ready: `test -e ${made.dir}/a-is-ready` });
    folder(made, "b", { start: "exit 0" });
    const file = join(made.dir, "config.json");
    writeFileSync(
      file,
      JSON.stringify({
        components: { first: { start_command: ["sh", "-c", WAITS] } },
        services: { web: { cmd: fixture("forever") } },
      }),
    );
    await made.boot({ flags: [...FLAGS(made), "--config", file, "--", fixture("forever")] });
    await untilPhase(made, "a", "starting");

    expect(await components(made)).toMatchObject({
      first: { phase: "ready" },
      b: { phase: "pending", waiting_for: ["a"] },
    });
    expect((await made.state("web")).waiting_for).toEqual(["component a", "component b"]);
    expect((await made.state("main")).phase).toBe("pending");
    writeFileSync(join(made.dir, "a-is-ready"), "");
    await made.untilRunning("web");
    await made.untilRunning("main");
    expect(order(made, "process.spawned").slice(0, 3)).toEqual([
      "component/first",
      "component/a",
      "component/b",
    ]);
    expect(Object.values(await components(made)).map(({ phase }) => phase)).toEqual([
      "ready",
      "ready",
      "ready",
    ]);
  });

  it("of the file start by start_command, and are ready when ready_command ends with 0", async () => {
    const made = sprite();
    const ready = join(made.dir, "is-ready");
    const db = {
      start_command: ["sh", "-c", `echo up; ${WAITS}`],
      ready_command: ["test", "-e", ready],
    };
    const file = join(made.dir, "config.json");
    writeFileSync(file, JSON.stringify({ components: { db } }));
    await made.boot({ flags: ["--config", file, "--", fixture("forever")] });
    await made.untilLogged("_component-db", "up");

    expect((await components(made))["db"]?.phase).toBe("starting");
    writeFileSync(ready, "");
    await untilPhase(made, "db", "ready");
    await made.untilRunning("main");
  });

  it("end after main process and services, the last one first", async () => {
    const made = sprite();
    folder(made, "a", { start: `trap 'echo bye; exit' TERM; ${WAITS}` });
    folder(made, "b", { start: `(trap 'echo gently; exit' TERM; ${WAITS}) &` });
    await made.boot({ flags: [...FLAGS(made), "--", fixture("graceful")] });
    await made.put("web", { cmd: fixture("graceful") });
    await made.untilRunning("web");
    await made.shutDown();

    const rows = made.rows().filter(({ type }) => type.endsWith(".drain_requested"));
    expect(rows.map(({ stream }) => stream)).toEqual([
      "environment/sprite",
      "service/main",
      "service/web",
      "component/b",
      "component/a",
    ]);
    expect(made.log("_component-a")).toContain("bye");
    expect(made.log("_component-b")).toContain("gently");
  });

  it("that fail are visible, tried again, and hold what waits for them; what runs goes on", async () => {
    const made = sprite();
    folder(made, "db", {
      start: `test -e ${made.dir}/works || { echo broken; exit 5; }; echo works; ${WAITS}`,
      ready: `test -e ${made.dir}/works`,
    });
    await made.boot({ flags: [...FLAGS(made), "--", fixture("forever")] });
    await until(
      "it was tried again",
      async () => ((await components(made))["db"]?.restart_count ?? 0) >= 2,
    );

    expect(await components(made)).toMatchObject({
      db: { last_exit: { code: 5 }, error: "exited with code 5" },
    });
    expect((await made.state("main")).waiting_for).toEqual(["component db"]);
    writeFileSync(join(made.dir, "works"), "");
    const main = await made.untilRunning("main");
    const { pid = 0 } = await untilPhase(made, "db", "ready");
    process.kill(pid, "SIGKILL");
    const again = await until("it is there again", async () => {
      const { db } = await components(made);
      return db?.phase === "ready" && db.pid !== pid && db;
    });
    expect(again.restart_count).toBeGreaterThan(2);
    expect(isLive(main)).toBe(true);
  }, 60_000);

  it("that fail at once hold everything, also where nobody is asked; the tries come slower, and the daemon's log has them", async () => {
    const made = sprite();
    folder(made, "db", { start: "exit 3" });
    await made.boot({ flags: [...FLAGS(made), "--", fixture("forever")] });
    const failures = (): number[] =>
      [...(made.daemon?.said() ?? "").matchAll(/a component failed.* retryMs=(\d+)/g)].map(
        ([, ms]) => Number(ms),
      );
    await until("three tries failed", () => failures().length >= 3);

    const [first = 0, , third = 0] = failures();
    expect(third).toBeGreaterThan(2 * first);
    expect(made.daemon?.said()).toMatch(
      /a component failed.*component=db.*error="exited with code 3"/,
    );
    expect((await made.state("main")).waiting_for).toEqual(["component db"]);
    expect(order(made, "process.spawned")).not.toContain("service/main");
  });

  it("that their start leaves behind in a session of its own go on, and are ended gently", async () => {
    const made = sprite();
    const left = `trap 'touch ${made.dir}/gently; exit' TERM; echo $$ >pid; ${WAITS}`;
    folder(made, "db", {
      start: `setsid sh -c "${left.replaceAll("$", "\\$")}" & while ! test -e pid; do sleep 0.05; done; sleep 0.8`,
      ready: "test -e pid",
    });
    await made.boot({ flags: FLAGS(made) });
    await untilPhase(made, "db", "ready");
    await until("its start ended", async () => (await components(made))["db"]?.detached === true);
    await untilPhase(made, "db", "ready");
    const pid = Number(readFileSync(join(made.dir, "components/db/pid"), "utf8"));

    expect(isLive(pid)).toBe(true);
    expect((await components(made))["db"]?.restart_count).toBe(0);
    await made.shutDown();
    expect(isLive(pid)).toBe(false);
    expect(existsSync(join(made.dir, "gently"))).toBe(true);
    expect(made.rows().some(({ type }) => type === "process.kill_sent")).toBe(false);
  });

  it("that are not ready hold POST /exec, which says so when it has waited", async () => {
    const made = sprite();
    folder(made, "db", { start: WAITS, ready: "echo not yet; exit 1" });
    const file = join(made.dir, "config.json");
    writeFileSync(file, JSON.stringify({ api_max_wait_time: "500ms" }));
    await made.boot({ flags: [...FLAGS(made), "--config", file] });
    const { status, text } = await made.ask({ method: "POST", path: "/exec?cmd=true" });

    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({
      error: "environment_not_ready",
      message: expect.stringMatching(/not ready after 0\.5 s: component db is starting/),
    });
  });

  it("that an earlier daemon left behind are ended before they start again", async () => {
    const made = sprite();
    folder(made, "db", { start: WAITS });
    await made.boot({ flags: FLAGS(made) });
    const { pid: old = 0 } = await untilPhase(made, "db", "ready");
    await made.killDaemon();
    expect(isLive(old)).toBe(true);
    await made.boot({ flags: FLAGS(made) });
    const { pid = 0 } = await untilPhase(made, "db", "ready");

    expect(isLive(old)).toBe(false);
    expect(pid).not.toBe(old);
  });

  it("that configuration does not have any more are gone with the next daemon", async () => {
    const made = sprite();
    folder(made, "db", { start: WAITS });
    await made.boot({ flags: FLAGS(made) });
    const { pid = 0 } = await untilPhase(made, "db", "ready");
    await made.killDaemon();
    await made.boot();

    await until("it is gone", async () => Object.keys(await components(made)).length === 0);
    expect(isLive(pid)).toBe(false);
  });

  it("are held to the file by reload: plan shows it first, and what is not touched goes on", async () => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    const start = (word: string) => ({ start_command: ["sh", "-c", `: ${word}; ${WAITS}`] });
    const write = (all: object): void =>
      writeFileSync(
        file,
        JSON.stringify({ components: all, services: { web: { cmd: fixture("forever") } } }),
      );
    write({ kept: start("a"), changed: start("b"), gone: start("c") });
    await made.boot({ flags: ["--config", file] });
    const web = await made.untilRunning("web");
    const before = await components(made);
    write({ added: start("d"), kept: start("a"), changed: start("B") });

    const plan = JSON.parse((await made.cli("plan")).stdout) as ConfigPlan;
    expect(plan.components).toEqual([
      { name: "added", action: "create", restarts: false },
      { name: "kept", action: "move", restarts: false },
      { name: "changed", action: "change", restarts: true },
      { name: "gone", action: "delete", restarts: false },
    ]);
    expect(plan.other_keys).toEqual([]);
    expect(await components(made)).toEqual(before);
    expect((await made.cli("reload")).code).toBe(0);
    await until("gone is gone", async () => !("gone" in (await components(made))));
    await until("changed runs anew", async () => {
      const { phase, pid } = (await components(made))["changed"] ?? {};
      return phase === "ready" && pid !== before["changed"]?.pid;
    });

    const after = await components(made);
    expect(Object.keys(after)).toEqual(["added", "kept", "changed"]);
    expect(after["added"]?.phase).toBe("ready");
    expect(after["kept"]?.pid).toBe(before["kept"]?.pid);
    expect(isLive(before["gone"]?.pid ?? 0)).toBe(false);
    expect(isLive(before["changed"]?.pid ?? 0)).toBe(false);
    expect((await made.state("web")).pid).toBe(web);
  });

  it("get the environment of the main process, run in their folders, and are listed by the command line", async () => {
    const made = sprite();
    folder(made, "db", { start: `echo "$OURS in $(pwd)"; touch ran; ${WAITS}` });
    await made.boot({ flags: FLAGS(made), env: { OURS: "ours" } });
    await made.untilLogged("_component-db", `ours in ${made.dir}/components/db`);

    expect(existsSync(join(made.dir, "components/db/ran"))).toBe(true);
    await untilPhase(made, "db", "ready");
    const { stdout } = await made.cli("components");
    expect(JSON.parse(stdout)).toMatchObject([{ name: "db", phase: "ready", detached: false }]);
  });
});
