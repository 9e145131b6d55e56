import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  BIN,
  bootedSprite,
  type Ended,
  fixture,
  linesOf,
  type Sprite,
  sprite,
} from "../support/daemon.ts";
import { isLive, signal } from "../support/processes.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";

/** A web server as a service, as people make their first one. */
async function createWeb(made: Sprite, ...flags: string[]): Promise<Ended & { port: number }> {
  const port = await freePort();
  const args = ["--cmd", "python3", "--args", `-m,http.server,${port}`, "--http-port", `${port}`];
  const ended = await made.cli("services", "create", "web", ...args, ...flags);
  return { ...ended, port };
}

/** A service that runs until somebody ends it. */
const createForever = (made: Sprite, name: string, ...flags: string[]): Promise<Ended> =>
  made.cli("services", "create", name, "--cmd", fixture("forever"), "--no-stream", ...flags);

const pageAt = (port: number): Promise<string> =>
  until(`port ${port} answers`, () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.text(),
      () => undefined,
    ),
  );

const logFiles = (made: Sprite, name: string): string => {
  const file = join(made.logDir, `${name}.log`);
  return `{"combined":"${file}","stderr":"${file}","stdout":"${file}"}`;
};

/** A text as a pattern, with NUMBER for any time in milliseconds or pid. */
const exactly = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("NUMBER", "\\d+")}$`);

const types = ({ stdout }: Ended): string[] => linesOf(stdout).map(({ type }) => type);

describe("services create", () => {
  it("starts a web server, says so in complete lines with the keys in order, and watches for 5 seconds", async () => {
    const made = await bootedSprite();
    const { code, stdout, port } = await createWeb(made);

    expect(stdout).toMatch(
      exactly(
        `{"type":"started","timestamp":NUMBER}\n` +
          `{"type":"complete","log_files":${logFiles(made, "web")},"timestamp":NUMBER}\n`,
      ),
    );
    expect(code).toBe(0);
    const [started, complete] = linesOf(stdout);
    expect((complete?.timestamp ?? 0) - (started?.timestamp ?? 0)).toBeGreaterThan(4_000);
    expect(await pageAt(port)).toContain("Directory listing");
  });

  it("shows the definition and live state of it, key for key", async () => {
    const made = await bootedSprite();
    const { stdout: created, port } = await createWeb(made, "--no-stream");
    const { stdout, code } = await made.cli("services", "get", "web");

    const { pid, started_at: startedAt = "" } = await made.state("web");
    expect(stdout).toBe(`{
  "name": "web",
  "cmd": "python3",
  "args": ["-m", "http.server", "${port}"],
  "http_port": ${port},
  "state": {
    "name": "web",
    "status": "running",
    "pid": ${pid},
    "started_at": "${startedAt}",
    "phase": "running",
    "desired": "running",
    "version": 1
  }
}
`);
    expect(code).toBe(0);
    expect(startedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(Date.parse(startedAt)).toBe(linesOf(created)[0]?.timestamp);
  });

  it("returns at once with --no-stream, when the process is there", async () => {
    const made = await bootedSprite();
    const { stdout, code } = await createForever(made, "web");

    expect(stdout).toMatch(
      exactly(
        `{"type":"started","timestamp":NUMBER}\n` +
          `{"type":"complete","log_files":${logFiles(made, "web")},"timestamp":NUMBER}\n`,
      ),
    );
    expect(code).toBe(0);
  });

  it("takes arguments, environment and directory, and streams the output for as long as --duration says", async () => {
    const made = await bootedSprite();
    const dir = join(made.dir, "some place");
    mkdirSync(dir);
    const script = 'echo "$0 $1"; echo "$PORT $DEBUG" >&2; pwd; exec sleep 1000';
    const { stdout, code } = await made.cli(
      ...["services", "create", "app", "--cmd", "sh", "--args", `-c,${script},first,second`],
      ...["--env", "PORT=3000,DEBUG=1", "--dir", dir, "--duration", "1500ms"],
    );

    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(exactly('{"type":"started","timestamp":NUMBER}'));
    expect(lines).toContainEqual(
      expect.stringMatching(
        exactly('{"type":"stdout","data":"first second\\n","timestamp":NUMBER}'),
      ),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(exactly('{"type":"stderr","data":"3000 1\\n","timestamp":NUMBER}')),
    );
    expect(linesOf(stdout).map(({ data }) => data)).toContain(`${dir}\n`);
    expect(types({ stdout } as Ended).at(-1)).toBe("complete");
    expect(code).toBe(0);
  });

  it("refuses a second HTTP port with 409 and exit code 4, and stores nothing", async () => {
    const made = await bootedSprite();
    await createWeb(made, "--no-stream");
    const before = made.rows().length;
    const refused = await createForever(made, "other", "--http-port", "4000");
    const { stdout: reply } = await made.cli(
      ...["curl", "-i", "-X", "PUT", "/v1/services/other"],
      ...["-d", '{"cmd":"sleep","args":["60"],"http_port":4000}'],
    );

    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toContain("another service already has an HTTP port configured");
    expect(reply).toMatch(/^HTTP\/1\.1 409 /);
    expect(made.rowsOf("other")).toEqual([]);
    expect(made.rowsOf("web")).toHaveLength(before - made.rows().filter(isOfEnvironment).length);
  });

  it("tells of a service that dies on startup, with its code, and ends there", async () => {
    const made = await bootedSprite();
    const { stdout, code } = await made.cli(
      ...["services", "create", "web", "--cmd", "false", "--backoff.first", "20s"],
    );

    expect(stdout).toMatch(
      exactly(
        `{"type":"started","timestamp":NUMBER}\n` +
          `{"type":"exit","exit_code":1,"timestamp":NUMBER}\n`,
      ),
    );
    expect(code).toBe(1);
  });

  it("streams the last words of a service that dies, before its exit", async () => {
    const made = await bootedSprite();
    const { stdout } = await made.cli(
      ...["services", "create", "web", "--cmd", "sh", "--args", "-c,echo no database >&2; exit 7"],
      ...["--backoff.first", "20s"],
    );

    expect(linesOf(stdout)).toMatchObject([
      { type: "started" },
      { type: "stderr", data: "no database\n" },
      { type: "exit", exit_code: 7 },
    ]);
    expect(made.log("web")).toMatch(/^\S+Z \[stderr\] no database\n$/);
  });

  it("says in the stream and in the log that the program is not there", async () => {
    const made = await bootedSprite();
    const { stdout, code } = await made.cli(
      ...["services", "create", "web", "--cmd", "/usr/bin/does-not-exist"],
    );

    const sentence =
      "executable file `/usr/bin/does-not-exist` not found: No such file or directory";
    expect(stdout).toMatch(
      exactly(
        `{"type":"error","data":"Failed to start service: ${sentence}","timestamp":NUMBER}\n` +
          `{"type":"exit","exit_code":1,"timestamp":NUMBER}\n`,
      ),
    );
    expect(code).toBe(1);
    const log = await made.untilLogged("web", sentence);
    expect(log.split("\n")[0]).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[stderr\] executable file `\/usr\/bin\/does-not-exist` not found: No such file or directory$/,
    );
    expect((await made.state("web")).last_exit).toEqual({ spawn_error: "ENOENT" });
  });
});

const isOfEnvironment = ({ stream }: { stream: string }): boolean =>
  stream.startsWith("environment/");

describe("services list", () => {
  it("is JSON with the HTTP port where it is piped", async () => {
    const made = await bootedSprite();
    const { port } = await createWeb(made, "--no-stream");
    await createForever(made, "worker");
    const { stdout, code } = await made.cli("services", "list");

    expect(JSON.parse(stdout)).toMatchObject([
      { name: "web", http_port: port, state: { status: "running" } },
      { name: "worker", state: { status: "running" } },
    ]);
    expect(code).toBe(0);
  });

  it.skipIf(!existsSync("/usr/bin/script"))(
    "is a table with a column http_port on a terminal",
    async () => {
      const made = await bootedSprite();
      const { port } = await createWeb(made, "--no-stream");
      const { stdout } = await made.run(["script", "-qec", `${BIN} services list`, "/dev/null"]);

      const [head = "", row = ""] = stdout.split("\n");
      expect(head.toLowerCase()).toContain("http_port");
      expect(row).toContain("web");
      expect(row).toContain(`${port}`);
    },
  );
});

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
    await pageAt(port);
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

  it("is listed under its name when the daemon is started by flags alone", async () => {
    const made = sprite();
    const daemon = await made.boot({ flags: ["-debug"] });

    expect(daemon.said()).toContain("ready");
  });
});
