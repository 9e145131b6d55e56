import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { builtCli, cli, fakeDaemon, run, temporary, WEB, type FakeDaemon } from "./harness.ts";

const folder = temporary();
const env = { PATH: "", HOME: folder.path, TERM: "xterm" };
let daemon: FakeDaemon;

beforeAll(async () => {
  daemon = await fakeDaemon({
    "GET /v1/services": () => ["db", "web", "worker"].map((name) => ({ ...WEB, name })),
  });
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${await builtCli()}' "$@"\n`;
  writeFileSync(join(bin, "sprite-env"), program);
  chmodSync(join(bin, "sprite-env"), 0o755);
  writeFileSync(join(folder.path, "definition.json"), "{}");
  mkdirSync(join(folder.path, "a directory"));
  env.PATH = `${bin}:${process.env["PATH"]}`;
});

afterAll(async () => {
  await daemon.close();
  folder.remove();
});

const has = (program: string): boolean => !spawnSync(program, ["--version"]).error;

/** What a shell's script is told: the words of the last argument's place, and what the shell is to do. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await cli(["__complete", "fish", ...words], { socket: daemon.socket });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split("\t")[0] ?? "");
}

describe("what may stand there", () => {
  it.each([
    [["serv"], ["serve", "services", ":"]],
    [
      ["services", "re"],
      ["restart", ":"],
    ],
    [
      ["services", "stop", ""],
      ["db", "web", "worker", ":"],
    ],
    [
      ["services", "stop", "web", ""],
      ["db", "worker", ":"],
    ],
    [
      ["services", "stop", "w"],
      ["web", "worker", ":"],
    ],
    [
      ["services", "get", "db", "--so"],
      ["--socket", ":"],
    ],
    [
      ["services", "create", "x", "--restart", ""],
      ["always", "on-failure", "never", ":"],
    ],
    [
      ["services", "create", "x", "--restart=on"],
      ["--restart=on-failure", ":"],
    ],
    [
      ["services", "create", "x", "--needs", "db,w"],
      ["db,web", "db,worker", ":nospace"],
    ],
    [["services", "create", "x", "--env-file", ""], [":file"]],
    [
      ["services", "signal", "web", "SIGH"],
      ["SIGHUP", ":"],
    ],
    [
      ["services", "signal", "web", "US"],
      ["USR1", "USR2", ":"],
    ],
    [
      ["services", "list", "--sort", "up"],
      ["uptime", ":"],
    ],
    [
      ["events", "--type", "service.st"],
      ["service.start_requested", "service.stop_requested", ":"],
    ],
    [
      ["events", "--service", "d"],
      ["db", ":"],
    ],
    [
      ["history", "wo"],
      ["worker", ":"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh", "fish", ":"],
    ],
    [
      ["help", "services", "del"],
      ["delete", ":"],
    ],
    [["nonsense", ""], [":"]],
    [["services", "nonsense", ""], [":"]],
    [["services", "create", "x", "--", ""], [":"]],
  ])("%j", async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  it("flags that were given are not offered again, but for those that may be repeated", async () => {
    const flags = await offered("services", "create", "x", "--cmd", "y", "--arg", "z", "--");

    expect(flags).toContain("--arg");
    expect(flags).toContain("--no-stream");
    expect(flags).toContain("--help");
    expect(flags).not.toContain("--cmd");
  });

  it("asks the daemon that the words name, not another", async () => {
    const { stdout } = await cli([
      "__complete",
      "fish",
      "services",
      "get",
      "--socket",
      daemon.socket,
      "",
    ]);

    expect(stdout).toContain("worker\t");
  });

  it("is quiet without a daemon, and where one does not answer in time", async () => {
    const silent = createServer(() => undefined).listen(join(folder.path, "silent"));
    const without = await cli(["__complete", "bash", "services", "get", ""]);
    const slow = await cli(["__complete", "bash", "services", "get", ""], {
      socket: join(folder.path, "silent"),
    });
    silent.close();

    expect(without).toMatchObject({ code: 0, stdout: ":\n", stderr: "" });
    expect(slow).toMatchObject({ code: 0, stdout: ":\n", stderr: "" });
  });
});

/** Words that a shell's own completion finds, in any order. */
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean).toSorted();

describe.skipIf(!has("bash"))("bash", () => {
  const completing = async (...typed: string[]): Promise<string> => {
    const script = `source <(sprite-env completion bash)
      COMP_WORDS=(${typed.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _sprite_env; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const options = { socket: daemon.socket, env, cwd: folder.path };
    return (await run("bash", ["--norc", "-c", script], options)).stdout;
  };

  it.each([
    [
      ["services", "st"],
      ["start", "stop"],
    ],
    [
      ["services", "start", ""],
      ["db", "web", "worker"],
    ],
    [
      ["services", "create", "x", "--restart", "=", ""],
      ["always", "never", "on-failure"],
    ],
    [["services", "create", "x", "--restart", "=", "al"], ["always"]],
    [["services", "create", "x", "--from", "def"], ["definition.json"]],
    [["services", "create", "x", "--from", "=", "def"], ["definition.json"]],
  ])("%j", async (typed, expected) => {
    expect(words(await completing("sprite-env", ...typed))).toEqual(expected);
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  it.each([
    ["services st", ["start", "stop"]],
    ["services start ", ["db", "web", "worker"]],
    [
      "services create x --restart=",
      ["--restart=always", "--restart=never", "--restart=on-failure"],
    ],
    ["services create x --from def", ["definition.json"]],
    ["services create x --from=def", ["--from=definition.json"]],
  ])("%j", async (typed, expected) => {
    const script = `sprite-env completion fish | source; complete -C "sprite-env ${typed}"`;
    const options = { socket: daemon.socket, env, cwd: folder.path };

    const { stdout } = await run("fish", ["--no-config", "-c", script], options);

    expect(words(stdout.replaceAll(/\t.*/g, ""))).toEqual(expected);
  });
});

/** zsh completes at its prompt only, so keys are typed on a pseudo-terminal. Source: script(1). */
async function typedInZsh(keys: string, shows: RegExp): Promise<string> {
  const child = spawn("script", ["-qec", "zsh -f -i", "/dev/null"], {
    cwd: folder.path,
    env: { ...env, SPRITE_ENV_SOCKET: daemon.socket },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let screen = "";
  child.stdout.on("data", (piece: Buffer) => (screen += piece.toString()));
  try {
    child.stdin.write(
      "PS1='R''EADY '; autoload -U compinit; compinit -u -D; source <(sprite-env completion zsh)\n",
    );
    await until(
      "zsh is ready",
      () => screen.includes("READY "),
      undefined,
      () => screen,
    );
    screen = "";
    child.stdin.write(keys);
    await until(
      "zsh completes",
      () => shows.test(screen),
      undefined,
      () => screen,
    );
    return screen;
  } finally {
    child.kill("SIGKILL");
    child.stdin.destroy();
  }
}

describe.skipIf(!has("zsh"))("zsh", () => {
  it.each([
    ["sprite-env services rest\t", /restart/],
    ["sprite-env services get wo\t", /worker/],
    ["sprite-env services create x --restart=al\t", /--restart=always/],
    ["sprite-env services create x --needs db,we\t", /db,web/],
    ["sprite-env services create x --from def\t", /definition\.json/],
    ["sprite-env services st\t", /start +-- Start stopped services/],
  ])("%j", async (keys, shows) => {
    expect(await typedInZsh(keys, shows)).toMatch(shows);
  });
});
