import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { readStat } from "../../src/posix/proc.ts";
import { createKit, fixture, type Kit, runs, until } from "./runner-kit.ts";

let kit: Kit;
beforeAll(() => {
  kit = createKit();
});
afterAll(() => kit.close());

const sh = (script: string) => kit.spawn({ cmd: "/bin/sh", args: ["-c", script] });
const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);
const statusOf = async (incarnation: string) =>
  (await kit.fact(incarnation, "process.exited")).status;

describe("a life", () => {
  it("is told from the spawn to the last line, its end and its being empty together", async () => {
    const incarnation = kit.spawn({ cmd: fixture("exits"), args: ["3"] });
    await kit.fact(incarnation, "output.ended");
    expect(kit.reports.filter((facts) => facts[0]?.incarnation === incarnation)).toEqual([
      [expect.objectContaining({ type: "process.spawned", logFrom: 17 })],
      [
        { type: "process.exited", incarnation, status: { code: 3 } },
        { type: "incarnation.emptied", incarnation },
      ],
      [{ type: "output.ended", incarnation, logTo: 28, lines: 1 }],
    ]);
  });

  it("is known by the pid and start time that the kernel shows", async () => {
    const incarnation = kit.spawn({ cmd: fixture("forever") });
    const { pid, startTime, wall } = await kit.fact(incarnation, "process.spawned");
    expect(readStat(pid)).toMatchObject({ startTime, session: pid, group: pid });
    expect(Math.abs(wall - Date.now())).toBeLessThan(60_000);
    expect((await kit.line(incarnation, /up (\d+)/))[1]).toBe(String(pid));
  });

  it("is begun once, however often it is asked for", async () => {
    const incarnation = kit.spawn({ cmd: fixture("exits") });
    await kit.fact(incarnation, "output.ended");
    kit.runner.spawn({ stream: "service/web", incarnation, definition: {} as never });
    kit.runner.empty({ stream: "service/web", incarnation });
    kit.stop(incarnation);
    await kit.fact(kit.spawn({ cmd: fixture("exits") }), "output.ended");
    expect(types(incarnation).toSorted()).toEqual([
      "incarnation.emptied",
      "output.ended",
      "process.exited",
      "process.spawned",
    ]);
  });

  it("takes a signal to its main process alone", async () => {
    const incarnation = sh("trap 'echo got' USR1; echo ready; while :; do sleep 0.02; done");
    await kit.line(incarnation, /ready/);
    kit.runner.signal({ stream: "service/web", incarnation, signal: "USR1" });
    await kit.line(incarnation, /got/);
    kit.runner.signal({ stream: "service/web", incarnation, signal: "KILL" });
    expect(await statusOf(incarnation)).toEqual({ signal: "KILL" });
    kit.runner.signal({ stream: "service/web", incarnation, signal: "KILL" });
  });

  it("loses none of 100 quick exits that come at once", async () => {
    const lives = Array.from({ length: 100 }, (_, code) => sh(`exit ${code}`));
    const seen = await Promise.all(lives.map(statusOf));
    expect(seen).toEqual(lives.map((_, code) => ({ code })));
    await Promise.all(lives.map((life) => kit.fact(life, "incarnation.emptied")));
    for (const life of lives) {
      expect(types(life).indexOf("process.spawned")).toBeLessThan(
        types(life).indexOf("process.exited"),
      );
    }
  });
});

describe("the end of a process", () => {
  it.each([
    ["exit 0", { code: 0 }],
    ["exit 255", { code: 255 }],
    ["kill -HUP $$", { signal: "HUP" }],
    ["ulimit -c 0; kill -SEGV $$", { signal: "SEGV" }],
    ["kill -KILL $$", { signal: "KILL" }],
  ])("is what the kernel says: %s", async (script, status) => {
    expect(await statusOf(sh(script))).toEqual(status);
  });

  const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
  const limit = /Max core file size\s+\S+\s+(\S+)/.exec(readFileSync("/proc/self/limits", "utf8"));
  it.skipIf(pattern.startsWith("|") || limit?.[1] === "0")(
    "says that a core was dumped",
    async () => {
      const dir = join(kit.dir, "core");
      mkdirSync(dir);
      const args = ["-c", "ulimit -S -c unlimited; kill -SEGV $$"];
      const status = await statusOf(kit.spawn({ cmd: "/bin/sh", args, dir }));
      expect(status).toEqual({ signal: "SEGV", core: true });
      if (!pattern.includes("/")) expect(readdirSync(dir)).not.toEqual([]);
    },
  );

  it("takes what it left in its group with it, before it is said to be empty", async () => {
    const incarnation = kit.spawn({ cmd: fixture("forks") });
    const child = Number((await kit.line(incarnation, /child (\d+)/))[1]);
    await kit.fact(incarnation, "incarnation.emptied");
    expect(runs(child)).toBe(false);
    expect(await statusOf(incarnation)).toEqual({ code: 0 });
  });

  it("takes what escaped into a session of its own with it", async () => {
    const incarnation = kit.spawn({ cmd: fixture("escapes"), args: ["exit"] });
    const escapee = Number((await kit.line(incarnation, /escapee (\d+)/))[1]);
    await kit.fact(incarnation, "incarnation.emptied");
    expect(runs(escapee)).toBe(false);
  });

  it("leaves another service's orphans alone", async () => {
    const other = kit.spawn({ cmd: fixture("escapes") });
    const escapee = Number((await kit.line(other, /escapee (\d+)/))[1]);
    await kit.fact(kit.spawn({ cmd: fixture("escapes"), args: ["exit"] }), "incarnation.emptied");
    await kit.fact(kit.spawn({ cmd: fixture("exits") }), "incarnation.emptied");
    expect(runs(escapee)).toBe(true);
  });

  it("is known to be all at once, also beside an orphan that was seen to be another's", async () => {
    const other = kit.spawn({ cmd: fixture("escapes") });
    await kit.line(other, /escapee/);
    await kit.fact(kit.spawn({ cmd: fixture("exits") }), "incarnation.emptied"); // looked at all
    const incarnation = kit.spawn({ cmd: fixture("exits") });
    await kit.fact(incarnation, "incarnation.emptied");
    const ends = kit.reports.filter((facts) => facts[0]?.incarnation === incarnation);
    expect(ends[1]?.map(({ type }) => type)).toEqual(["process.exited", "incarnation.emptied"]);
  });

  it("leaves no zombie", async () => {
    const incarnation = kit.spawn({ cmd: fixture("escapes"), args: ["exit"] });
    const { pid } = await kit.fact(incarnation, "process.spawned");
    const escapee = Number((await kit.line(incarnation, /escapee (\d+)/))[1]);
    await kit.fact(incarnation, "incarnation.emptied");
    await until("both to be reaped", () => !readStat(pid) && !readStat(escapee));
  });
});

describe("what a process is given", () => {
  it("is an environment without anything of the daemon's but seven names", async () => {
    const strict = createKit({
      baseEnv: {
        PATH: "/usr/bin:/bin",
        HOME: "/h",
        USER: "u",
        LOGNAME: "u",
        SHELL: "/s",
        LANG: "C",
        TZ: "UTC",
        TOKEN: "secret",
      },
      openEnv: ({ GREETING }) => ({
        GREETING: typeof GREETING === "string" ? `opened ${GREETING}` : "",
      }),
    });
    const incarnation = strict.spawn({ cmd: "env", env: { GREETING: "sv_1" } });
    await strict.fact(incarnation, "output.ended");
    expect(strict.logs.text(incarnation).trim().split("\n").toSorted()).toEqual([
      "GREETING=opened sv_1",
      "HOME=/h",
      "LANG=C",
      "LOGNAME=u",
      "PATH=/usr/bin:/bin",
      "SHELL=/s",
      `SPRITE_ENV_INCARNATION=${incarnation}`,
      "TZ=UTC",
      "USER=u",
    ]);
    await strict.close();
  });

  it("is its own name, its arguments and its directory", async () => {
    const dir = join(kit.dir, "a b");
    mkdirSync(dir);
    const incarnation = kit.spawn({
      cmd: "sh",
      args: ["-c", 'echo "$0|$1|$(pwd)"', "x y", "*"],
      dir,
    });
    await kit.line(incarnation, new RegExp(`x y\\|\\*\\|${dir}`));
  });

  it("is output that can be opened again through /dev/stdout", async () => {
    const incarnation = sh("echo again > /dev/stdout; echo error > /dev/stderr");
    await kit.fact(incarnation, "output.ended");
    expect(kit.logs.text(incarnation)).toContain("again\n");
    expect(kit.logs.text(incarnation)).toContain("error\n");
  });
});

describe("a process that cannot be spawned", () => {
  it("is told with its errno, in the log too, and nothing else follows", async () => {
    const incarnation = kit.spawn({ cmd: "/usr/bin/does-not-exist" });
    const message =
      "executable file `/usr/bin/does-not-exist` not found: No such file or directory";
    const { error } = await kit.fact(incarnation, "process.spawn_failed");
    expect(error).toEqual({ errno: "ENOENT", message });
    expect(kit.logs.notes).toContain(message);
    await kit.fact(kit.spawn({ cmd: fixture("exits") }), "output.ended");
    expect(types(incarnation)).toEqual(["process.spawn_failed"]);
    expect(readdirSync(kit.dir)).not.toContain(incarnation); // its pipes
  });

  it("names a working directory that is not there", async () => {
    const incarnation = kit.spawn({ cmd: "/bin/true", dir: "/no/such/dir" });
    const { error } = await kit.fact(incarnation, "process.spawn_failed");
    expect(error).toMatchObject({
      errno: "ENOENT",
      message: "the working directory `/no/such/dir` cannot be entered: No such file or directory",
    });
  });

  it("is not tried again where its environment cannot be opened", async () => {
    const locked = createKit({
      openEnv: () => {
        throw new AppError("storage_failed", "DATABASE_URL cannot be decrypted: key file missing");
      },
    });
    const incarnation = locked.spawn({ cmd: "/bin/true", env: { DATABASE_URL: "sv_1" } });
    expect((await locked.fact(incarnation, "process.spawn_failed")).error).toEqual({
      errno: "ENOKEY",
      message: "DATABASE_URL cannot be decrypted: key file missing",
      permanent: true,
    });
    await locked.close();
  });

  it("is told what the kernel says of arguments that are too long", async () => {
    const incarnation = kit.spawn({ cmd: "/bin/true", args: ["x".repeat(200_000)] });
    const { error } = await kit.fact(incarnation, "process.spawn_failed");
    expect(error).toEqual({
      errno: "E2BIG",
      message: "cannot start `/bin/true`: Argument list too long",
    });
  });

  it("is refused where a NUL would cut an argument short", async () => {
    const incarnation = kit.spawn({ cmd: "/bin/echo", args: ["a\0b"] });
    expect((await kit.fact(incarnation, "process.spawn_failed")).error.errno).toBe("EINVAL");
  });
});
