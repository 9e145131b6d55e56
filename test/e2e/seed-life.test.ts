import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { bootedSprite, type Ended, fixture, linesOf, sprite } from "../support/daemon.ts";
import { isLive, signal } from "../support/processes.ts";
import { createForever, createWeb, textAt } from "../support/services.ts";
import { until } from "../support/until.ts";

const types = ({ stdout }: Ended): string[] => linesOf(stdout).map(({ type }) => type);

describe("stop is sticky", () => {
  it("keeps a service down until start, over a power cut and an orderly end", async () => {
    const made = await bootedSprite();
    await createForever(made, "web");
    await createForever(made, "other");
    const { pid = 0 } = await made.state("web");
    const stopped = await made.cli("services", "stop", "web");

    expect(linesOf(stopped.stdout)).toMatchObject([
      { type: "stopping" },
      { type: "stopped", exit_code: 143 },
      { type: "complete" },
    ]);
    expect(stopped.code).toBe(0);
    expect(isLive(pid)).toBe(false);

    for (const end of [() => made.cutPower(), () => made.shutDown()]) {
      await end();
      await made.boot();
      await made.untilRunning("other");
      expect(await made.state("web")).toMatchObject({ status: "stopped", desired: "stopped" });
    }

    const started = await made.cli("services", "start", "web", "--no-stream");
    expect(types(started)).toEqual(["started", "complete"]);
    expect((await made.state("web")).status).toBe("running");
  });

  it("says that a stopped service is stopped, and takes that for success", async () => {
    const made = await bootedSprite();
    await createForever(made, "web");
    await made.cli("services", "stop", "web");

    expect(await made.cli("services", "stop", "web")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "web is stopped already\n",
    });
  });
});

describe("services restart", () => {
  it("stops, then starts, streams both and counts nothing", async () => {
    const made = await bootedSprite();
    await createForever(made, "web");
    const { pid } = await made.state("web");
    const restarted = await made.cli("services", "restart", "web", "--duration", "500ms");

    expect(linesOf(restarted.stdout)).toMatchObject([
      { type: "stopping" },
      { type: "stopped", exit_code: 143 },
      { type: "started" },
      { type: "stdout", data: expect.stringMatching(/^up \d+\n$/) as string },
      { type: "complete" },
    ]);
    expect(restarted.code).toBe(0);
    const state = await made.state("web");
    expect(state.pid).not.toBe(pid);
    expect(state.restart_count).toBeUndefined();
  });
});

describe("an exit that nobody asked for is a crash", () => {
  it.each(["HUP", "TERM", "KILL"])(
    "signal %s ends the process, counts, and it comes back",
    async (name) => {
      const made = await bootedSprite();
      await createForever(made, "web");
      const { pid } = await made.state("web");
      const sent = await made.cli("services", "signal", "web", name);

      expect(sent).toMatchObject({ code: 0, stdout: "", stderr: "" });
      await made.untilRunning("web", pid);
      expect(await made.state("web")).toMatchObject({
        restart_count: 1,
        last_exit: { signal: name },
      });
    },
  );

  it("counts each kill of the pid, as the kernel gave it", async () => {
    const made = await bootedSprite();
    await createForever(made, "web");
    let { pid = 0 } = await made.state("web");
    for (const name of ["SIGKILL", "SIGTERM", "SIGHUP"] as const) {
      signal(pid, name);
      pid = await made.untilRunning("web", pid);
    }

    expect((await made.state("web")).restart_count).toBe(3);
    expect(made.rowsOf("web", "process.exited").map(({ data }) => data["status"])).toEqual([
      { signal: "KILL" },
      { signal: "TERM" },
      { signal: "HUP" },
    ]);
  });

  it("sends any other signal and leaves the service as it is", async () => {
    const made = await bootedSprite();
    const trap = "trap 'echo got USR1' USR1; echo up; while :; do sleep 0.05; done";
    await made.cli(
      "services",
      "create",
      "web",
      "--cmd",
      "sh",
      "--args",
      `-c,${trap}`,
      "--no-stream",
    );
    await made.untilLogged("web", "up");
    const { pid } = await made.state("web");
    await made.cli("services", "signal", "web", "SIGUSR1");
    await made.untilLogged("web", "[stdout] got USR1");

    expect(await made.state("web")).toMatchObject({ pid, status: "running" });
  });

  it("shows a crash loop as a restart_count that climbs, and as crash-looping", async () => {
    const made = await bootedSprite();
    await made.cli("services", "create", "web", "--cmd", "false", "--backoff.first", "0s");
    await made.untilState("web", "is crash-looping", ({ flags }) =>
      Boolean(flags?.includes("crash-looping")),
    );
    const counts = [(await made.state("web")).restart_count ?? 0];
    for (let times = 0; times < 3; times += 1) {
      const seen = counts.at(-1) ?? 0;
      const { restart_count: count = 0 } = await made.untilState(
        "web",
        "crashed once more",
        ({ restart_count: now = 0 }) => now > seen,
      );
      counts.push(count);
    }

    expect(counts[0]).toBeGreaterThanOrEqual(5);
    expect(await made.state("web")).toMatchObject({ error: "exited with code 1" });
  });
});

describe("services delete", () => {
  it("removes the definition and keeps the log", async () => {
    const made = await bootedSprite();
    await createForever(made, "web");
    await made.untilLogged("web", "[stdout] up");
    const { pid = 0 } = await made.state("web");
    const deleted = await made.cli("services", "delete", "web");

    expect(deleted).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(isLive(pid)).toBe(false);
    expect(await made.cli("services", "get", "web")).toMatchObject({ code: 3, stdout: "" });
    expect(JSON.parse((await made.cli("services", "list")).stdout)).toEqual([]);
    expect(made.log("web")).toContain("[stdout] up");
  });
});

describe("a service's log", () => {
  it("has each line with its time and stream, and tail -f follows it", async () => {
    const made = await bootedSprite();
    const { port } = await createWeb(made, "--no-stream");
    await textAt(port);
    const file = join(made.logDir, "web.log");
    await made.untilLogged("web", "GET / ");
    const tail = spawn("tail", ["-f", "-n", "0", file], { stdio: ["ignore", "pipe", "ignore"] });
    onTestFinished(() => void tail.kill("SIGKILL"));
    let followed = "";
    tail.stdout.on("data", (text: Buffer) => (followed += text.toString("utf8")));

    const line = await until("tail -f shows the request", async () => {
      await fetch(`http://127.0.0.1:${port}/?followed`);
      return followed.split("\n").find((one) => one.includes("?followed"));
    });
    expect(line).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[stderr\] 127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4} \d\d:\d\d:\d\d\] "GET \/\?followed HTTP\/1\.1" 200 -$/,
    );
  });
});

describe("services logs", () => {
  it("prints the lines of a log file as they stand there", async () => {
    const made = await bootedSprite();
    const args = ["--cmd", fixture("noisy"), "--args", "20", "--restart", "never"];
    await made.cli("services", "create", "web", ...args);
    await made.untilLogged("web", "err 20");
    const { stdout } = await made.cli("services", "logs", "web");

    expect(stdout).toBe(made.log("web"));
    expect(stdout.split("\n").filter((line) => /Z \[stdout\] out \d+$/.test(line))).toHaveLength(
      20,
    );
  });
});

describe("services that need each other", () => {
  it("starts a service after the ones it names, and says what a waiting one waits for", async () => {
    const made = await bootedSprite();
    await made.cli(
      ...["services", "create", "db", "--cmd", "false", "--backoff.first", "20s", "--no-stream"],
    );
    await made.untilState("db", "crashed", ({ phase }) => phase === "crashed");
    const waiting = await createForever(made, "app", "--needs", "db");

    expect(linesOf(waiting.stdout)).toMatchObject([
      { type: "pending", data: "waiting for db" },
      { type: "complete" },
    ]);
    expect(await made.state("app")).toMatchObject({ status: "starting", waiting_for: ["db"] });
    await made.cli("services", "create", "db", "--cmd", fixture("forever"), "--no-stream");
    await made.untilRunning("app");
  });
});

it("the daemon starts by flags alone, with one dash or two, as by its name", async () => {
  const made = sprite();
  await made.boot({ byName: false, flags: ["-debug", "--log-json=false"] });

  expect((await createForever(made, "web")).code).toBe(0);
});
