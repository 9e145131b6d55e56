import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, bootedSprite, linesOf, type Sprite } from "../support/daemon.ts";
import { createForever, createWeb, textAt } from "../support/services.ts";

const logFiles = (made: Sprite, name: string): string => {
  const file = join(made.logDir, `${name}.log`);
  return `{"combined":"${file}","stderr":"${file}","stdout":"${file}"}`;
};

/** A text as a pattern, with NUMBER for any time in milliseconds or pid. */
const exactly = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("NUMBER", "\\d+")}$`);

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
    expect(await textAt(port)).toContain("Directory listing");
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
    expect(linesOf(stdout).at(-1)?.type).toBe("complete");
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
