import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { RELEASE, root, type Root } from "../support/root.ts";
import { until } from "../support/until.ts";

/*
 * The release's one file as process 1 of a PID namespace, on a root with nothing else in it.
 */

const TOKEN = "a-token-of-sixteen-bytes-and-more";
const isRoot = process.getuid?.() === 0;

/** Zombies below process 1, as it sees them. */
const zombies = (made: Root): string[] =>
  made
    .inside("/bin/ps", "-o", "pid,stat,comm")
    .stdout.split("\n")
    .filter((line) => /\sZ/.test(line));

/** Leaves orphans behind that end a moment later. */
const ORPHANS =
  "i=0; while [ $i -lt 50 ]; do (sleep 0.3 &) ; i=$((i+1)); done; echo made; sleep 1000";

describe.runIf(isRoot)("process 1, on a root without Node", () => {
  it("runs services and verbs, and its past is there for the next one", async () => {
    const made = root();
    await made.boot();
    const created = made.inside(
      "/bin/sprite-env",
      "services",
      "create",
      "web",
      "--cmd",
      "sleep",
      "--args",
      "1000",
      "--no-stream",
    );
    expect(created).toMatchObject({ code: 0, stderr: "" });

    expect(made.inside("/bin/sprite-env", "services", "list").stdout).toContain(
      '"status": "running"',
    );
    expect(made.inside("/bin/sprite-env", "events", "--type", "service.created").stdout).toContain(
      "service/web",
    );
    expect(made.inside("/bin/sprite-env", "audit", "verify").code).toBe(0);
    made.signal("SIGTERM");
    expect(await made.ended).toBe(0);
    await made.boot();
    expect(made.inside("/bin/sprite-env", "services", "list").stdout).toContain(
      '"status": "running"',
    );
  }, 60_000);

  it("serves the inspector's page out of itself", async () => {
    const made = root();
    await made.boot();
    const { stdout } = made.inside("/bin/sprite-env", "inspect", "--no-open", "--json");
    const { url } = JSON.parse(stdout) as { url: string };
    const entered = await fetch(url, { redirect: "manual" });
    const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
    const page = await fetch(new URL("/inspector/", url), { headers: { cookie } });

    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<script");
    const docs = await fetch(new URL("/docs/static/swagger-ui.css", url));
    expect(docs.status).toBe(200);
  }, 60_000);

  it("reaps what is orphaned, within a second, and says so with debug", async () => {
    const made = root();
    await made.boot(["-debug", "--", "/bin/sh", "-c", ORPHANS]);
    await made.untilSaid("made");
    await until("orphans came to process 1 and ended", () =>
      /an orphan was reaped/.test(made.said()),
    );

    await until("no zombie is left", () => zombies(made).length === 0, 1_500);
    await until(
      "all are told",
      () => (made.said().match(/an orphan was reaped/g) ?? []).length >= 50,
    );
    expect(made.said()).toContain("pid1=true");
  }, 60_000);

  it("has test_zombie_reaping.sh pass", async () => {
    const made = root();
    await made.boot(["-debug", "-listen", "127.0.0.1:17781"], { SPRITE_HTTP_API_TOKEN: TOKEN });
    const script = resolve(import.meta.dirname, "../test_zombie_reaping.sh");
    const { status, stdout, stderr } = spawnSync(script, ["http://127.0.0.1:17781"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], SPRITE_HTTP_API_TOKEN: TOKEN },
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("PASS");
  }, 60_000);

  it("leaves with the exit code of the main process, and passes signals on, USR1 too", async () => {
    const made = root();
    await made.boot([
      "--",
      "/bin/sh",
      "-c",
      "trap 'echo got USR1; exit 9' USR1; echo up; while :; do sleep 0.1; done",
    ]);
    await made.untilSaid("up");
    made.signal("SIGUSR1");

    expect(await made.ended).toBe(9);
    expect(made.said()).toContain("got USR1");
  }, 60_000);

  it("ends at once where there is nothing to wait for, and takes everything with it", async () => {
    const made = root();
    await made.boot([
      "--",
      "/bin/sh",
      "-c",
      "trap 'exit 0' TERM; (sleep 1000 &); echo up; while :; do sleep 0.1; done",
    ]);
    await made.untilSaid("up");
    const began = performance.now();
    made.signal("SIGTERM");

    expect(await made.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
  }, 60_000);

  it("loses no TERM that comes while it is still loading", async () => {
    const made = root();
    made.begin(["/bin/sprite-env", "--", "/bin/sleep", "1000"]);
    const isListening = (): boolean => (made.caught() & 1n) === 1n; // HUP, which Node itself does not catch
    await until("it listens", isListening, undefined, () => made.said());
    made.signal("SIGTERM");

    await made.ended;
    expect(made.said()).toContain("reason=SIGTERM");
  }, 60_000);

  it.each([
    ["without /proc", { hasProc: false }],
    ["whose state has a disk of 2 MB, so that the pages do not fit", { stateKb: 2_048 }],
  ])(
    "works on a root %s",
    async (_, where) => {
      const made = root();
      made.begin(["/bin/sprite-env", "--", "/bin/sh", "-c", "echo works"], {}, where);

      const code = await made.ended;
      expect(made.said()).not.toMatch(/WARN|ERROR|bug/);
      expect(made.said()).toContain("works");
      expect(code).toBe(0);
    },
    60_000,
  );

  it("as spritectl wants its variables, by name", async () => {
    const made = root();
    made.begin(["/bin/spritectl", "--", "/bin/true"]);
    expect(await made.ended).toBe(2);
    expect(made.said()).toMatch(/^spritectl: SPRITE_WRITE_DIR is not set/m);
    made.begin(["/bin/spritectl", "-listen", ":7778", "--", "/bin/true"], {
      SPRITE_WRITE_DIR: "/data",
    });
    expect(await made.ended).toBe(2);
    expect(made.said()).toContain("SPRITE_HTTP_API_TOKEN is not set");
    made.begin(["/bin/spritectl", "--", "/bin/sh", "-c", "echo in $(pwd)"], {
      SPRITE_WRITE_DIR: "/data",
    });
    expect(await made.ended).toBe(0);
    expect(made.said()).toMatch(/^in \/$/m);
    expect(readFileSync(made.at("data/.sprite/events.db")).length).toBeGreaterThan(0);
  }, 60_000);

  it("has one word for its version, by both names and with one dash", async () => {
    const made = root();
    for (const words of [
      ["/bin/sprite-env", "--version"],
      ["/bin/sprite-env", "-version"],
      ["/bin/spritectl", "-version"],
    ]) {
      made.begin(words);
      expect(await made.ended).toBe(0);
      expect(made.said()).toMatch(/^(sprite-env|spritectl) \d+\.\d+\.\d+\n$/);
    }
  }, 60_000);
});

describe.runIf(isRoot)("below another init program", () => {
  it.for(["tini", "dumb-init", "catatonit"])(
    "%s the reaper stands aside",
    { timeout: 60_000 },
    async (program, { skip }) => {
      const path = spawnSync("sh", ["-c", `command -v ${program}`], {
        encoding: "utf8",
      }).stdout.trim();
      skip(path === "", `${program} is not installed`);
      const made = root();
      copyFileSync(path, made.at(`bin/${program}`));
      await made.boot(["-debug"], {}, [`/bin/${program}`, "--"]);
      await made.untilSaid("orphans are left to the init program above us");
      expect(
        made.inside(
          "/bin/sprite-env",
          "services",
          "create",
          "left",
          "--cmd",
          "sh",
          "--arg",
          "-c",
          "--arg",
          "(sleep 0.2 &); sleep 0.1",
          "--restart",
          "never",
          "--duration",
          "2s",
        ).code,
      ).toBe(0);
      await until("no zombie is left", () => zombies(made).length === 0, 3_000);

      expect(made.said()).not.toContain("an orphan was reaped");
      made.signal("SIGTERM");
      await made.ended;
    },
  );

  it("s6, whose s6-svscan is process 1 and whose s6-supervise is our parent: the reaper stands aside", async ({
    skip,
  }) => {
    skip(spawnSync("s6-svscan", ["-h"]).error !== undefined, "s6-svscan is not installed");
    const made = root();
    const places = [
      "--state-dir",
      made.at("state"),
      "--socket",
      made.at("s"),
      "--log-dir",
      made.at("l"),
    ];
    const words = [join(RELEASE, "sprite-env"), "-debug", ...places].join(" ");
    made.put("scan/app/run", `#!/bin/sh\nexec ${words} >${made.at("said")} 2>&1\n`);
    const svscan = spawn("unshare", [
      "--pid",
      "--fork",
      "--mount-proc",
      "--kill-child",
      "s6-svscan",
      made.at("scan"),
    ]);
    onTestFinished(() => void svscan.kill("SIGKILL"));
    const said = (): string =>
      existsSync(made.at("said")) ? readFileSync(made.at("said"), "utf8") : "";

    await until("the daemon is ready", () => / ready /.test(said()), 30_000, said);
    expect(said()).toContain("orphans are left to the init program above us");
  }, 60_000);
});
