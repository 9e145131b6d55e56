import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ConfigPlan } from "../../src/client/types.ts";
import { fixture, sprite, type Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const FOREVER = { cmd: fixture("forever") };

interface Made {
  made: Sprite;
  write: (config: object | string) => void;
  boot: () => Promise<unknown>;
}

function configured(services: object): Made {
  const made = sprite();
  const file = join(made.dir, "config.json");
  const write = (config: object | string): void =>
    writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  write({ services });
  return { made, write, boot: () => made.boot({ flags: ["--config", file] }) };
}

async function ask(made: Sprite, ...words: string[]): Promise<ConfigPlan["services"]> {
  const { code, stdout, stderr } = await made.cli(...words);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as ConfigPlan).services;
}

const actions = (steps: ConfigPlan["services"]) =>
  Object.fromEntries(steps.map(({ name, action }) => [name, action]));

describe("services of the configuration file", () => {
  it("start with the daemon, in the order of their needs, wherever they stand", async () => {
    const { made, boot } = configured({ web: { ...FOREVER, needs: ["db"] }, db: FOREVER });
    await boot();
    await made.untilRunning("web");

    const spawned = made.rows().filter(({ type }) => type === "process.spawned");
    expect(spawned.map(({ stream }) => stream)).toEqual(["service/db", "service/web"]);
    expect(actions(await ask(made, "plan"))).toEqual({ db: "same", web: "same" });
  });

  it("keep what was changed by a command, also over a boot; plan shows it, reload undoes it", async () => {
    const { made, boot } = configured({ web: { ...FOREVER, labels: { of: "file" } } });
    await boot();
    const pid = await made.untilRunning("web");
    await made.cli("services", "update", "web", "--label", "of=somebody", "--no-stream");
    await made.untilRunning("web", pid);
    await made.shutDown();
    await boot();
    const again = await made.untilRunning("web");

    expect((await made.get("web")).labels).toEqual({ of: "somebody" });
    expect(await ask(made, "plan")).toEqual([
      { name: "web", action: "change", restarts: true, drifted: true, fields: ["labels"] },
    ]);
    await ask(made, "reload");
    await made.untilRunning("web", again);
    expect((await made.get("web")).labels).toEqual({ of: "file" });
    expect(actions(await ask(made, "plan"))).toEqual({ web: "same" });
  });

  it("that somebody deleted stay so over a boot; plan shows it, reload brings them back", async () => {
    const { made, boot } = configured({ web: FOREVER, db: FOREVER });
    await boot();
    await made.untilRunning("db");
    await made.cli("services", "delete", "db");
    await made.shutDown();
    await boot();
    await made.untilRunning("web");

    expect((await made.ask({ path: "/v1/services/db" })).status).toBe(404);
    expect(await ask(made, "plan")).toMatchObject([
      { name: "web", action: "same", drifted: false },
      { name: "db", action: "create", drifted: true },
    ]);
    await ask(made, "reload");
    await made.untilRunning("db");
    expect(await ask(made, "plan")).toMatchObject([
      { name: "web", drifted: false },
      { name: "db", action: "same", drifted: false },
    ]);
  });

  it("that somebody stopped are no drift, and stay stopped over reload and boot", async () => {
    const { made, write, boot } = configured({ web: FOREVER });
    await boot();
    await made.untilRunning("web");
    await made.cli("services", "stop", "web");

    expect(actions(await ask(made, "plan"))).toEqual({ web: "same" });
    write({ services: { web: { ...FOREVER, labels: { a: "b" } } } });
    expect(await ask(made, "reload")).toMatchObject([{ action: "change", restarts: false }]);
    await made.shutDown();
    await boot();
    expect(await made.get("web")).toMatchObject({
      labels: { a: "b" },
      state: { phase: "stopped", desired: "stopped" },
    });
  });

  it("that left the file are stopped and deleted, by reload and by the next boot; others are left alone", async () => {
    const { made, write, boot } = configured({ one: FOREVER, two: FOREVER });
    await boot();
    await made.put("other", FOREVER);
    await made.untilRunning("two");
    write({ services: { two: FOREVER } });
    expect(actions(await ask(made, "reload"))).toEqual({ two: "same", one: "delete" });
    await until(
      "one is gone",
      async () => (await made.ask({ path: "/v1/services/one" })).status === 404,
    );
    write({});
    await made.shutDown();
    await boot();

    expect((await made.ask({ path: "/v1/services/two" })).status).toBe(404);
    expect((await made.state("other")).phase).not.toBe("stopped");
  });

  it("that changed while the daemon was down start as the file says, never as they were", async () => {
    const { made, write, boot } = configured({
      web: { cmd: "sh", args: ["-c", "echo old; sleep 100"] },
    });
    await boot();
    await made.untilLogged("web", "old");
    await made.killDaemon();
    write({ services: { web: { cmd: "sh", args: ["-c", "echo new; sleep 100"] } } });
    await boot();
    await made.untilLogged("web", "new");

    expect(made.log("web").match(/old/g)).toHaveLength(1);
  });

  it("read variables at each start, and elsewhere when the file is read", async () => {
    const { made, boot } = configured({
      web: {
        cmd: "sh",
        args: ["-c", "echo $FROM_HOME; sleep 100", { $env: "HOME" }],
        env: { FROM_HOME: { $env: "HOME" } },
      },
    });
    await boot();
    await made.untilLogged("web", made.home);

    expect(await made.get("web")).toMatchObject({
      args: ["-c", "echo $FROM_HOME; sleep 100", made.home],
      env: { FROM_HOME: { $env: "HOME" } },
    });
  });

  it("are applied by HUP where there is no main process", async () => {
    const { made, write, boot } = configured({});
    await boot();
    write({ services: { web: FOREVER } });
    made.daemon?.signal("SIGHUP");
    await until(
      "web is there",
      async () => (await made.ask({ path: "/v1/services/web" })).status === 200,
    );

    expect(made.daemon?.said()).toContain("the configuration was read again");
  });
});

describe("a file that is wrong", () => {
  it.each([
    ["no JSON", "{", /not JSON/],
    [
      "an unknown field",
      { services: { web: { cmd: "a", argz: [] } } },
      /services\.web: there is no argz: did you mean args/,
    ],
    ["no program", { services: { web: {} } }, /services\.web: cmd field is required/],
    ["a bad name", { services: { "a b": { cmd: "x" } } }, /services has the name "a b"/],
    [
      "an unknown need",
      { services: { web: { ...FOREVER, needs: ["zz"] } } },
      /dependency not found: zz/,
    ],
    [
      "a circle",
      { services: { a: { ...FOREVER, needs: ["b"] }, b: { ...FOREVER, needs: ["a"] } } },
      /circular dependency/,
    ],
    [
      "two HTTP ports",
      { services: { a: { ...FOREVER, http_port: 1 }, b: { ...FOREVER, http_port: 2 } } },
      /another service already has an HTTP port/,
    ],
    [
      "an unknown user",
      { services: { web: { ...FOREVER, user: "no-such" } } },
      /services\.web: .*no-such/,
    ],
    ["an unknown key", { servces: {} }, /did you mean services/],
  ])("(%s) changes nothing, and plan and reload say why", async (_, config, message) => {
    const { made, write, boot } = configured({ keep: FOREVER });
    await boot();
    const pid = await made.untilRunning("keep");
    const rows = made.rows().length;
    write(config);
    for (const verb of ["plan", "reload"]) {
      const ended = await made.cli(verb);
      expect(ended.stderr).toMatch(message);
      expect(ended.code).not.toBe(0);
    }

    expect(made.rows()).toHaveLength(rows);
    expect(await made.untilRunning("keep")).toBe(pid);
  });

  it("keeps the daemon from starting, before anything is touched", async () => {
    const { made, write } = configured({});
    write({ services: { web: { cmd: 1 } } });
    const ended = await made.launch({ flags: ["--config", join(made.dir, "config.json")] }).ended;

    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/config\.json: services\.web: cmd is 1/);
  });

  it("is refused where main is both the main process and a service", async () => {
    const { made, write } = configured({});
    write({ services: { main: FOREVER } });
    const flags = ["--config", join(made.dir, "config.json"), "--", "sleep", "100"];

    expect((await made.launch({ flags }).ended).stderr).toMatch(
      /services\.main: that is the name of the main process/,
    );
  });
});

it("without a configuration file plan and reload say so", async () => {
  const made = sprite();
  await made.boot();

  expect((await made.cli("reload")).stderr).toContain("started without a configuration file");
});
