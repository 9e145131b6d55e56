import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { ServiceWire } from "../../src/api/view-schemas.ts";
import { BIN, bootedSprite, type Ended, type Sprite, sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

const json = <Value>({ stdout }: Ended): Value => JSON.parse(stdout) as Value;

/** What a user asks while no daemon runs: only the state directory tells which sprite is meant. */
const offline = (made: Sprite, ...words: string[]): Promise<Ended> =>
  made.cli(...words, "--state-dir", made.stateDir);

const create = (made: Sprite, name: string, ...words: string[]): Promise<Ended> =>
  made.cli("services", "create", name, ...words, "--no-stream");

const SLEEP = ["--cmd", "sleep", "--args", "1000"];

/** Changes the read model behind the daemon's back, as a bug would. */
function tamper(made: Sprite, sql: string): void {
  const db = new Database(join(made.stateDir, "events.db"), { timeout: 10_000 });
  db.exec(sql);
  db.close();
}

interface BootStory {
  boot: number;
  end: { kind: string };
  services: { name: string; decision: string; found: string; up_ms?: number }[];
  critical_chain: { name: string; waited_for?: string }[];
}

describe("state --at", () => {
  it("is what get showed then, but for the values of variables, with a daemon and without", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP, "--env", "KEY=canary-value");
    await made.untilRunning("web");
    const then = json<ServiceWire>(await made.cli("services", "get", "web"));
    const seq = made.rows().at(-1)?.seq ?? 0;
    const time = new Date().toISOString();
    await made.cli("services", "update", "web", "--args", "2000", "--unset", "env", "--no-stream");
    await made.cli("services", "stop", "web");

    const { env: _env, ...shown } = then;
    const expected = { ...shown, env_names: ["KEY"] };
    const answers = [
      await made.cli("state", "web", "--at", String(seq)),
      await made.cli("state", "web", "--at", time),
    ];
    await made.shutDown();
    answers.push(await offline(made, "state", "web", "--at", `#${seq}`));

    for (const answer of answers) {
      expect(answer).toMatchObject({ code: 0, stderr: "" });
      expect(json(answer)).toMatchObject(expected);
      expect(answer.stdout).not.toContain("canary");
    }
    expect(json(await offline(made, "state", "web"))).toMatchObject({
      args: ["2000"],
      state: { phase: "stopped", desired: "stopped", version: 2 },
    });
  });

  it("says of a moment at which no daemon looked that nobody did", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    const pid = await made.untilRunning("web");
    await made.killDaemon();
    const seq = made.rows().at(-1)?.seq ?? 0;
    await made.boot();
    await made.untilRunning("web", pid);

    const [web] = json<{ as_of: { note?: string } }[]>(
      await made.cli("state", "--all", "--at", String(seq)),
    );

    expect(web?.as_of.note).toMatch(/^the daemon was killed after event \d+/);
  });
});

describe("diff", () => {
  it("tells what changed over a kill of the daemon, and by whom", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    await create(made, "db", ...SLEEP);
    const pid = await made.untilRunning("web");
    const from = String(made.rows().at(-1)?.seq);
    await made.killDaemon();
    await made.boot();
    await made.untilRunning("web", pid);
    await made.cli("services", "stop", "db");
    await create(made, "new", ...SLEEP);

    const diff = json<{ boots: object[]; services: { name: string; change: string }[] }>(
      await made.cli("diff", "--from", from),
    );

    expect(diff.boots).toHaveLength(1);
    expect(diff.services.map(({ name, change }) => [name, change])).toEqual([
      ["db", "changed"],
      ["new", "new"],
      ["web", "changed"],
    ]);
    expect(diff.services[0]).toMatchObject({
      before: { phase: "running" },
      after: { phase: "stopped", desired: "stopped" },
      wishes: [{ type: "service.stop_requested", actor: expect.stringMatching(/^uid:\d+$/) }],
    });
    expect(diff.services[2]).toMatchObject({ starts: 1, crashes: 0, wishes: [] });
  });
});

describe("boot", () => {
  it("tells what each daemon started, why, and what held it up", async () => {
    const made = await bootedSprite();
    const slow = ["--cmd", "sh", "--arg", "-c", "--arg", "sleep 0.3; echo is up; exec sleep 1000"];
    await create(made, "db", ...slow, "--ready.log", "is up");
    await create(made, "web", ...SLEEP, "--needs", "db");
    await create(made, "off", ...SLEEP);
    await made.untilRunning("web");
    await made.cli("services", "stop", "off");
    await made.killDaemon();
    await made.boot();
    await made.untilRunning("web");
    await made.shutDown();
    await made.boot();
    await made.untilRunning("web");

    const list = json<BootStory[]>(await made.cli("boot", "list"));
    const killed = json<BootStory>(await made.cli("boot", "show", "-1"));
    const last = json<BootStory>(await made.cli("boot", "--explain"));

    expect(list.map(({ end }) => end.kind)).toEqual(["killed", "shut down", "runs"]);
    expect(killed.services.map(({ name, decision, found }) => [name, decision, found])).toEqual([
      ["db", "start", "proven"],
      ["web", "start", "proven"],
      ["off", "leave", "none"],
    ]);
    expect(last.services.map(({ name, found }) => [name, found])).toEqual([
      ["db", "none"],
      ["web", "none"],
      ["off", "none"],
    ]);
    expect(last.critical_chain).toMatchObject([{ name: "web", waited_for: "db" }, { name: "db" }]);
    expect(last.services[0]?.up_ms).toBeGreaterThanOrEqual(250);
    expect(json(await made.cli("boot", "diff"))).toMatchObject({
      from: { boot: 2 },
      to: { boot: 3 },
    });
  });
});

describe("services rollback", () => {
  it("brings a definition back with the values its variables had, and the service with it", async () => {
    const made = await bootedSprite();
    const say = ["--cmd", "sh", "--arg", "-c", "--arg", 'echo "value $KEY"; exec sleep 1000'];
    await create(made, "web", ...say, "--env", "KEY=one");
    await made.untilLogged("web", "value one");
    await made.cli("services", "update", "web", "--env-var", "KEY=two", "--no-stream");
    await made.untilLogged("web", "value two");

    const ran = await made.cli("services", "rollback", "web", "--no-stream");

    expect(ran.code).toBe(0);
    await until(
      "the first value was said again",
      () => made.log("web").match(/value one/g)?.length === 2,
    );
    const web = await made.get("web");
    expect(web).toMatchObject({ env: { KEY: "one" }, state: { version: 3 } });
    const versions = json<{ version: number; same_as?: number }[]>(
      await made.cli("services", "versions", "web"),
    );
    expect(versions.map(({ version, same_as }) => [version, same_as])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, 1],
    ]);
    expect(JSON.stringify(versions)).not.toContain("two");
  });

  it("is refused for a version that there is not, and leaves the service alone", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    const pid = await made.untilRunning("web");

    const ran = await made.cli("services", "rollback", "web");

    expect(ran).toMatchObject({
      code: 3,
      stderr: 'sprite-env: service "web" has no version before 1: it was created with it\n',
    });
    expect(isLive(pid)).toBe(true);
  });
});

describe("a read model that is wrong", () => {
  const WRONG = "UPDATE services SET phase = 'failed' WHERE name = 'web'";

  it("is mended by the daemon that has the store, while it goes on", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    const pid = await made.untilRunning("web");
    tamper(made, WRONG);
    expect((await made.state("web")).phase).toBe("failed");

    const ran = await made.cli("audit", "verify", "--repair-projections");

    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({
      projections: [{ found: { outcome: "differs", names: ["web"] }, repaired: true }],
    });
    expect(await made.state("web")).toMatchObject({ phase: "running", pid });
    await made.cli("services", "stop", "web");
    expect((await made.state("web")).phase).toBe("stopped");
  });

  it("is mended without a daemon", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    await made.shutDown();
    tamper(made, WRONG);

    const ran = await offline(made, "audit", "verify", "--repair-projections");

    expect(json(ran)).toMatchObject({ projections: [{ repaired: true }] });
    expect(json(await offline(made, "replay", "--check"))).toMatchObject({
      projection: { outcome: "equal" },
    });
  });

  it("is found by the next daemon before it answers anybody", async () => {
    const made = await bootedSprite();
    await create(made, "web", ...SLEEP);
    await made.cli("services", "stop", "web");
    await made.shutDown();
    tamper(made, WRONG);

    const daemon = await made.boot();

    expect((await made.state("web")).phase).toBe("stopped");
    await until("it said what it did", () => /read model is made anew/.test(daemon.said()));
    expect(daemon.said()).toContain("it says otherwise than the log about web");
  });
});

/** The package as it is built, with another list of read models; begun in the place of the real one by a wrapper. */
function testBuild(made: Sprite, projections: string): readonly string[] {
  const root = join(dirname(BIN), "..");
  const copy = join(made.dir, "package");
  mkdirSync(copy);
  for (const part of ["bin", "dist", "package.json"])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const index = join(copy, "dist/src/projections/index.js");
  renameSync(index, join(dirname(index), "real.js"));
  writeFileSync(
    index,
    `import { projections as real } from "./real.js";\nexport const projections = ${projections};\n`,
  );
  return ["sh", "-c", `shift; exec ${join(copy, "bin/sprite-env")} "$@"`, "sh"];
}

describe("a read model whose handler throws", () => {
  const BROKEN = `real.map((one) => ({ ...one, on: { ...one.on, "process.exited": () => { throw new Error("a bug of a test"); } } }))`;

  it("changes nothing for services and answers", async () => {
    const made = sprite();
    const daemon = await made.boot({ wrapper: testBuild(made, BROKEN) });
    await create(made, "web", ...SLEEP);
    const pid = await made.untilRunning("web");

    process.kill(pid, "SIGKILL");
    const next = await made.untilRunning("web", pid);
    process.kill(next, "SIGKILL");
    await made.untilRunning("web", next);
    await made.cli("services", "stop", "web");

    expect(await made.state("web")).toMatchObject({
      phase: "stopped",
      last_exit: { signal: "TERM" },
    });
    expect(daemon.said()).toContain("its handler failed after event");
    const models = JSON.parse((await made.ask({ path: "/v1/projections" })).text) as object[];
    expect(models).toMatchObject([{ name: "services" }]);
    expect(json(await made.cli("audit", "verify"))).toMatchObject({ ok: true });
  });

  it("is followed again by the release in which it is mended", async () => {
    const made = sprite();
    await made.boot({ wrapper: testBuild(made, BROKEN) });
    await create(made, "web", "--cmd", "false");
    await made.shutDown();

    await made.boot();

    const follows = async () => {
      const { text } = await made.ask({ path: "/v1/projections" });
      return !(JSON.parse(text) as { stale?: string }[]).some(({ stale }) => stale !== undefined);
    };
    await until("no read model is stale", follows);
    expect(json(await made.cli("replay", "--check"))).toMatchObject({ ok: true });
  });

  it("is made anew on the side where its version was raised, while requests go on", async () => {
    const made = await bootedSprite();
    for (let name = 0; name < 20; name += 1) await create(made, `s${name}`, ...SLEEP);
    await made.cutPower();
    const raised = "real.map((one) => ({ ...one, version: one.version + 1 }))";

    const daemon = await made.boot({ wrapper: testBuild(made, raised) });
    const { text } = await made.ask({ path: "/v1/services" });

    expect(JSON.parse(text)).toHaveLength(20);
    await until("it was made anew", () => /read model is made anew/.test(daemon.said()));
    expect(daemon.said()).toContain("its version 1 became 2");
    expect(JSON.parse((await made.ask({ path: "/v1/services" })).text)).toHaveLength(20);
  });
});
