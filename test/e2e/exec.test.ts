import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { bootedSprite, fixture, sprite, type Sprite } from "../support/daemon.ts";
import { executed, shell } from "../support/executed.ts";
import { until } from "../support/until.ts";

async function configured(config: object, ...flags: string[]): Promise<Sprite> {
  const made = sprite();
  const file = join(made.dir, "config.json");
  writeFileSync(file, JSON.stringify(config));
  await made.boot({ flags: ["--config", file, ...flags] });
  return made;
}

describe("POST /exec", () => {
  it("answers in pieces, one a chunk, the exit code last", async () => {
    const made = await bootedSprite();
    const query = ["sh", "-c", "printf ok; sleep 0.2; printf no >&2; exit 42"]
      .map((word) => `cmd=${encodeURIComponent(word)}`)
      .join("&");
    const socket = connect(made.socket);
    socket.write(`POST /exec?${query} HTTP/1.1\r\nHost: sprite\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const data of socket) text += (data as Buffer).toString("latin1");
    const [head = "", ...body] = text.split("\r\n\r\n");

    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head.toLowerCase()).toContain("content-type: application/octet-stream");
    expect(head.toLowerCase()).toContain("x-content-type-options: nosniff");
    expect(head.toLowerCase()).toContain("transfer-encoding: chunked");
    expect(body.join("\r\n\r\n")).toBe(
      "3\r\n\u0001ok\r\n3\r\n\u0002no\r\n2\r\n\u0003\u002a\r\n0\r\n\r\n",
    );
  });

  it.each([
    [shell("exit 0"), 0],
    [shell("exit 255"), 255],
    [shell("kill -TERM $$"), 143],
    [shell("kill -KILL $$"), 137],
    [["no-such-program"], 127],
    [["/etc/passwd"], 126],
    [["/no/such/file"], 127],
  ])("%j gives %d", async (command, code) => {
    const made = await bootedSprite();
    const ran = await executed(made, command);

    expect(ran.code).toBe(code);
    if (code === 126 || code === 127) expect(ran.stderr).toMatch(/^sprite-env: .*\n$/s);
  });

  it("runs in the directory and environment of the main process, with what was asked for over it", async () => {
    const made = sprite();
    const file = join(made.dir, "config.json");
    writeFileSync(
      file,
      JSON.stringify({
        process_command: [fixture("forever")],
        process_working_dir: made.home,
        process_environment: ["A=configured", "B=configured"],
      }),
    );
    await made.boot({
      flags: ["--config", file],
      env: { OURS: "ours", SPRITE_HTTP_API_TOKEN: "0123456789abcdef" },
    });
    const script = shell('echo "$(pwd) $A $B $OURS [$SPRITE_HTTP_API_TOKEN]"');

    expect((await executed(made, script)).stdout).toBe(
      `${made.home} configured configured ours []\n`,
    );
    const asked = await executed(made, script, { env: { B: "a = b" }, dir: "/" });
    expect(asked.stdout).toBe("/ configured a = b ours []\n");
    expect((await executed(made, ["me", "-c", "echo $0"], { path: "/bin/sh" })).stdout).toBe(
      "me\n",
    );
  });

  it("a directory that is not there is told, not the program", async () => {
    const made = await bootedSprite();
    const ran = await executed(made, ["pwd"], { dir: "/nope" });

    expect(ran).toMatchObject({ stdout: "", code: 127 });
    expect(ran.stderr).toContain("the working directory `/nope` cannot be entered");
  });

  it("hands on the body as input, of any length, and the output of it", async () => {
    const made = await bootedSprite();
    const bytes = "0123456789abcdef".repeat(200_000);

    const ran = await executed(made, ["cat"], { stdin: bytes });
    expect(ran.stdout).toHaveLength(bytes.length);
    expect(ran.stdout).toBe(bytes);
    expect((await executed(made, ["cat"])).stdout).toBe("");
  });

  it("ends with whoever asked: TERM, and KILL where that does not help", async () => {
    const made = await bootedSprite({ flags: ["--", fixture("forever")] });
    for (const trap of ["trap 'echo TERM >>log; exit' TERM", "trap 'echo TERM >>log' TERM"]) {
      const leaving = new AbortController();
      const client = new Client({ socket: made.socket });
      const script = `${trap}; echo $$; while :; do sleep 0.05; done`;
      let pid = 0;
      const read = async (): Promise<void> => {
        const pieces = await client.exec(["bash", "-c", script], {
          signal: leaving.signal,
          dir: made.dir,
        });
        for await (const piece of pieces)
          if (piece.type === "stdout") pid = Number(piece.data.toString());
      };
      const reading = read().catch(() => {});
      await until("it runs", () => pid > 0);
      leaving.abort(new Error("enough"));
      await reading;

      await until(
        "it is gone",
        async () => (await made.run(["ps", "-p", String(pid)])).code === 1,
        10_000,
      );
    }
    expect((await made.run(["cat", join(made.dir, "log")])).stdout).toBe("TERM\nTERM\n");
  }, 30_000);

  it("waits for the main process, and says what is not there when it has waited long enough", async () => {
    const slow = await configured(
      { api_max_wait_time: "300ms", services: { db: { cmd: "sleep", args: ["100"] } } },
      "--",
      "sh",
      "-c",
      "sleep 100",
    );
    expect((await executed(slow, ["echo", "up"])).stdout).toBe("up\n");
    const failed = await bootedSprite({
      flags: ["--", "sh", "-c", "exit 3"],
      env: { SPRITE_KEEP_ALIVE_ON_ERROR: "true" },
    });
    await until("main has failed", async () => (await failed.state("main")).phase === "failed");
    expect((await executed(failed, ["echo", "look"])).stdout).toBe("look\n");
  });

  it.each([
    ["", /no command/],
    ["cmd=", /no command/],
    ["cmd=ls&tty=true", /TTY not supported on POST \/exec/],
    ["cmd=ls&id=5", /id is "5": allowed is nothing/],
    ["cmd=ls&detachable=true", /detachable/],
    ["cmd=ls&env=novalue", /env is not NAME=value/],
    ["cmd=ls&env=1A%3Dsecret", /env is not NAME=value/],
    ["cmd=ls&comand=x", /there is no comand: known are cmd, path, env, dir, stdin/],
  ])("?%s is refused", async (query, message) => {
    const made = await bootedSprite();
    const { status, text } = await made.ask({ method: "POST", path: `/v1/exec?${query}` });

    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ message: expect.stringMatching(message) });
    expect(text).not.toContain("secret");
  });
});

describe("with a wrapper", () => {
  /** Passes on neither its directory nor its variables, as a container's exec does. */
  const WRAPPER = ["env", "-i", "--chdir=/usr", "PATH=/usr/bin:/bin"];

  it("directory and variables hold inside, and are on no command line", async () => {
    const made = await configured({
      exec_wrapper_command: WRAPPER,
      process_environment: ["A=of the 'file'"],
    });
    const script = shell(
      'echo "$(pwd)|$A|$B"; cat; cat /proc/[0-9]*/cmdline | grep -c "s3cr3t[-]value"',
    );
    const ran = await executed(made, script, {
      env: { B: "s3cr3t-value\nsecond line" },
      dir: "/var",
      stdin: "input\n",
    });

    expect(ran.stdout).toMatch(/^\/var\|of the 'file'\|s3cr3t-value\nsecond line\ninput\n/);
    expect(ran.stdout).toMatch(/\n?0\n$/);
  });

  it("variables hold whatever their names are, and a directory whatever it begins with", async () => {
    const made = await configured({ exec_wrapper_command: WRAPPER, process_environment: ["s=1"] });
    mkdirSync(join(made.dir, "-P"));
    const { stdout } = await executed(made, shell('echo "$s $e $l $(pwd)"'), {
      env: { e: "2", l: "3" },
      dir: join(made.dir, "-P"),
    });
    expect(stdout).toBe(`1 2 3 ${made.dir}/-P\n`);
    const relative = await executed(made, ["pwd"], { dir: "-" });
    expect(relative).toMatchObject({ code: 126, stdout: "" });
  });

  it("what asks for neither gets what the wrapper gives", async () => {
    const made = await configured({ exec: { wrapper_command: WRAPPER } });

    expect((await executed(made, shell("pwd; cat"), { stdin: "in" })).stdout).toBe("/usr\nin");
    expect(await executed(made, shell("exit 9"))).toMatchObject({ code: 9 });
  });

  it("that is not there is said", async () => {
    const made = await configured({ exec: { wrapper_command: ["no-such-wrapper"] } });

    expect(await executed(made, ["true"])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining("no-such-wrapper"),
    });
  });
});

it("what reload gave the main process commands beside it get, too", async () => {
  const made = sprite();
  const file = join(made.dir, "config.json");
  const write = (config: object): void => writeFileSync(file, JSON.stringify(config));
  write({ process_environment: ["A=1"] });
  await made.boot({ flags: ["--config", file, "--", fixture("forever")] });
  await made.untilRunning("main");
  write({ process_environment: ["A=2"], process_working_dir: "/usr" });
  const { stdout } = await made.cli("reload");

  expect(JSON.parse(stdout)).toMatchObject({ other_keys: [] });
  expect((await executed(made, shell('echo "$A $(pwd)"'))).stdout).toBe("2 /usr\n");
});

it("a second TERM ends commands at once, and none begins any more", async () => {
  const made = await bootedSprite();
  const command = shell(
    "trap 'sleep 4; touch late' TERM; echo $$ > pid; while :; do sleep 0.05; done",
  );
  void executed(made, command, { dir: made.dir }).catch(() => {});
  await made.put("slow", { cmd: fixture("ignores-term") });
  await made.untilRunning("slow");
  await until("it runs", () => existsSync(join(made.dir, "pid")));
  made.daemon?.signal("SIGTERM");
  await until("it is heard", () => made.daemon?.said().includes("stopping all services") ?? false);
  await expect(executed(made, ["true"])).rejects.toMatchObject({ code: "shutting_down" });
  made.daemon?.signal("SIGTERM");
  await made.daemon?.ended;

  const { stdout } = await made.run(["cat", join(made.dir, "pid")]);
  expect((await made.run(["ps", "-p", stdout.trim()])).code).toBe(1);
  expect(existsSync(join(made.dir, "late"))).toBe(false);
});

it.each(["", "trap '' TERM; "])("a daemon that ends takes commands with it: %j", async (trap) => {
  const made = await bootedSprite();
  const command = shell(`${trap}echo $$ > pid; while :; do sleep 0.05; done`);
  const running = executed(made, command, { dir: made.dir });
  await until("it runs", () => existsSync(join(made.dir, "pid")));
  await made.shutDown();
  await running.catch(() => {});

  const { stdout } = await made.run(["cat", join(made.dir, "pid")]);
  expect((await made.run(["ps", "-p", stdout.trim()])).code).toBe(1);
});
