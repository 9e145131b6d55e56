import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createKit, type Kit, until } from "./runner-kit.ts";

const isRoot = process.getuid?.() === 0;

let kit: Kit;
beforeEach(() => {
  kit = createKit({ baseEnv: { PATH: "/usr/bin:/bin", HOME: "/root", USER: "root", LANG: "C" } });
  chmodSync(kit.dir, 0o711); // open to other users, as run/ is
});
afterEach(() => kit.close());

const shell = (script: string, ...args: string[]) => ({
  cmd: "/bin/sh",
  args: ["-c", script, ...args],
});

/** What a program says in its life. */
async function said(definition: Parameters<Kit["spawn"]>[0]): Promise<string> {
  const incarnation = kit.spawn(definition);
  await until("its end", () =>
    kit.facts(incarnation).find(({ type }) => /output.ended|spawn_failed/.test(type)),
  );
  return kit.logs.text(incarnation);
}

/** Why a program was not started. */
async function failure(definition: Parameters<Kit["spawn"]>[0]) {
  const incarnation = kit.spawn(definition);
  const { error } = await kit.fact(incarnation, "process.spawn_failed");
  expect(kit.facts(incarnation)).toHaveLength(1);
  return error;
}

it("sets the umask of a service alone", async () => {
  const before = process.umask();
  expect(await said({ ...shell("umask; touch new; stat -c %a new"), umask: 0o027 })).toBe(
    "0027\n640\n",
  );
  expect(await said({ ...shell("umask"), umask: 0 })).toBe("0000\n");
  expect(process.umask()).toBe(before);
});

it("hands arguments and variables on as they are, however a shell would take them", async () => {
  const args = ["", "a b", "--", "*", "$x", "'", '"', "-n", "\\", "line\nend"];
  const env = {
    A: `two  words 'q' "d" $x \`y\` \\n *`,
    LINES_OF_IT: "one\ntwo\n",
    EMPTY: "",
    IFS: "x",
    PS1: "mine",
    UID: "77",
    PWD: "/mine",
    SHLVL: "9",
    n: "1",
    ENV: "/no/such",
    SPRITE_ENV_FOR_A: "not A's",
    SPRITE_ENV_FOR_SPRITE_ENV_FOR_A: "nor that",
  };
  const script = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))";
  const text = await said({ cmd: "python3", args: ["-c", script, ...args], env, umask: 0o022 });
  const [seenArgs, seenEnv] = JSON.parse(text) as [string[], Record<string, string>];
  expect(seenArgs).toEqual(args);
  const inherited = { PATH: "/usr/bin:/bin", HOME: "/root", USER: "root", LANG: "C" };
  const { SPRITE_ENV_INCARNATION: mark, LOGNAME, SHELL, LC_CTYPE: _, ...seen } = seenEnv;
  expect(seen).toEqual({ ...inherited, ...env });
  expect([mark, LOGNAME, SHELL]).toEqual([expect.stringMatching(/^in_/), "root", "/bin/bash"]);
});

it("is the same process, session and group as the one that was spawned", async () => {
  const incarnation = kit.spawn({ ...shell("echo ids $$; sleep 1000"), umask: 0o022 });
  const { pid, startTime } = await kit.fact(incarnation, "process.spawned");
  expect((await kit.line(incarnation, /ids (\d+)/))[1]).toBe(String(pid));
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  expect(stat.slice(4, 6)).toEqual([String(pid), String(pid)]);
  expect(stat[21]).toBe(startTime);
});

it("tells of a program's own end, also where that is as quick and as bad as a wrapper's", async () => {
  for (const code of [0, 1, 2, 126, 127]) {
    const incarnation = kit.spawn({ cmd: "sh", args: ["-c", `exit ${code}`], umask: 0o022 });
    expect((await kit.fact(incarnation, "process.exited")).status).toEqual({ code });
  }
  const incarnation = kit.spawn({ ...shell("kill -SEGV $$"), umask: 0o022 });
  expect((await kit.fact(incarnation, "process.exited")).status).toMatchObject({ signal: "SEGV" });
});

it("ends at once what is stopped while it is still wrapped", async () => {
  for (let round = 0; round < 20; round += 1) {
    const incarnation = kit.spawn({ cmd: "sleep", args: ["1000"], umask: 0o022 });
    if (round % 2 === 0)
      await until("a spawn", () => kit.facts(incarnation).length > 0 || undefined);
    kit.stop(incarnation);
    await kit.fact(incarnation, "incarnation.emptied");
  }
});

it("says why a program was not executed that the checks found right", async () => {
  const script = join(kit.dir, "script");
  writeFileSync(script, "#!/bin/sh\n", { mode: 0o755 });
  await said({ cmd: script, umask: 0o022 }); // it is known now
  const interpreter = join(kit.dir, "interpreter");
  writeFileSync(interpreter, "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(script, `#!${interpreter}\n`);
  const args = ["-c", `import os; os.unlink("${interpreter}")`];
  execFileSync("python3", args);
  expect(await failure({ cmd: script, umask: 0o022 })).toMatchObject({
    errno: "ENOENT",
    message: expect.stringContaining(`asks for the interpreter \`${interpreter}\``) as string,
  });
});

it("never has a shell run what is no program", async () => {
  const text = join(kit.dir, "text");
  writeFileSync(text, "echo it ran > ran\n", { mode: 0o755 });
  for (const manner of [{ umask: 0o022 }, ...(isRoot ? [{ user: "nobody", dir: "/" }] : [])]) {
    expect(await failure({ cmd: text, ...manner })).toMatchObject({ errno: "ENOEXEC" });
  }
  expect(readdirSync(kit.dir)).not.toContain("ran");
});

describe.skipIf(!isRoot)("another user", () => {
  const id = (user: string, ...words: string[]) =>
    execFileSync("id", [...words, user], { encoding: "utf8" }).trim();
  /** A user with more groups than its first: PostgreSQL's package puts it into ssl-cert. */
  const USER = "postgres";

  it("runs with that user's ids and groups, and nothing of root's", async () => {
    const script =
      "id -u; id -g; id -G; grep -E '^(Uid|Gid|CapEff|CapPrm|CapAmb)' /proc/self/status";
    const lines = (await said({ ...shell(script), user: USER })).trim().split("\n");
    const [uid, gid, groups, ...status] = lines;
    expect([uid, gid]).toEqual([id(USER, "-u"), id(USER, "-g")]);
    expect(groups?.split(" ").toSorted()).toEqual(id(USER, "-G").split(" ").toSorted());
    const four = (one = "") => Array(4).fill(one).join("\t");
    const none = "0".repeat(16);
    expect(status).toEqual([
      `Uid:\t${four(uid)}`,
      `Gid:\t${four(gid)}`,
      ...["CapPrm", "CapEff", "CapAmb"].map((name) => `${name}:\t${none}`),
    ]);
  });

  it("may have a group of its own, or be a number that nobody has", async () => {
    expect(await said({ ...shell("id -G; id -u"), user: "daemon", group: "adm" })).toBe("4\n1\n");
    expect(await said({ ...shell("id -u; id -G"), user: "54321" })).toBe("54321\n54321\n");
    expect(await said({ ...shell("id -u; id -g"), group: "adm" })).toBe("0\n4\n");
  });

  it("finds its own home, name and shell in its environment, and umask set", async () => {
    const script = 'echo "$HOME $USER $LOGNAME $SHELL $(umask)"';
    expect(await said({ ...shell(script), user: "daemon", umask: 0o77 })).toBe(
      "/usr/sbin daemon daemon /usr/sbin/nologin 0077\n",
    );
  });

  it("may open /dev/stdout and /dev/stderr, which are its own", async () => {
    const script = "echo out > /dev/stdout; echo err > /dev/stderr; echo both <> /dev/stdout";
    const lines = (await said({ ...shell(script), user: "nobody" })).trim().split("\n");
    expect(lines.toSorted()).toEqual(["both", "err", "out"]);
    const incarnation = kit.spawn({ cmd: "sleep", args: ["1000"], user: "54321" });
    await kit.fact(incarnation, "process.spawned");
    expect(statSync(join(kit.dir, incarnation, "out"))).toMatchObject({ uid: 54_321, gid: 54_321 });
  });

  it("is not given root by a library that its environment names", async () => {
    const traced = join(kit.dir, "traced");
    mkdirSync(traced);
    const env = { LD_DEBUG: "files", LD_DEBUG_OUTPUT: join(traced, "ld") };
    chmodSync(traced, 0o777);
    await said({ cmd: "/bin/true", user: "nobody", env });
    const owners = readdirSync(traced).map((name) => statSync(join(traced, name)).uid);
    expect(owners).toEqual([65_534]); // the service's own program alone: no program that ran as root saw it
  });

  it("gets the ready descriptor and the limit of descriptors through", async () => {
    await kit.close();
    const nofile = { wrap: (plan: never) => plan, needed: () => 123, close: () => {} };
    kit = createKit({ nofile });
    chmodSync(kit.dir, 0o711);
    const script = "echo limits $(ulimit -Sn); echo >&7; sleep 1000";
    const ready = { kind: "fd", fd: 7 } as const;
    const incarnation = kit.spawn({ ...shell(script), user: "nobody", ready });
    await kit.fact(incarnation, "process.spawned");
    await kit.line(incarnation, /limits 123\n/);
    kit.probes.startReadiness({ stream: "service/web", incarnation, readiness: ready });
    await kit.fact(incarnation, "readiness.reached");
  });

  it("is stopped, with all that it started", async () => {
    const script = "setsid sleep 1001 & echo up; sleep 1002";
    const incarnation = kit.spawn({ ...shell(script), user: "nobody" });
    await kit.line(incarnation, /up/);
    kit.stop(incarnation);
    await kit.fact(incarnation, "incarnation.emptied");
    expect((await kit.fact(incarnation, "process.exited")).status).toEqual({ signal: "TERM" });
  });

  describe("that cannot be", () => {
    let path: string | undefined;
    beforeAll(() => {
      path = process.env["PATH"];
    });
    afterAll(() => {
      process.env["PATH"] = path;
    });

    it("is said without setpriv, and nothing runs as root instead", async () => {
      process.env["PATH"] = "/no/such";
      const error = await failure({ ...shell("touch ran"), user: "nobody", dir: kit.dir });
      expect(error).toMatchObject({
        errno: "ENOENT",
        message: expect.stringContaining("install util-linux") as string,
      });
      expect(readdirSync(kit.dir)).not.toContain("ran");
    });

    it("is said where setpriv ends instead of becoming the program", async () => {
      const fake = join(kit.dir, "setpriv");
      writeFileSync(fake, "#!/bin/sh\necho its last words >&2\nexit 1\n", { mode: 0o755 });
      process.env["PATH"] = `${kit.dir}:${path}`;
      const error = await failure({ ...shell("touch ran"), user: "nobody", dir: kit.dir });
      expect(error).toEqual({
        errno: "EPERM",
        message:
          "`setpriv` could not make it user `nobody` (what it said is in the service's log): Operation not permitted; the daemon has to be allowed to change users (CAP_SETUID, CAP_SETGID)",
      });
      expect(readdirSync(kit.dir)).not.toContain("ran");
    });
  });

  it("is told of what the kernel alone refuses", async () => {
    const [closed, script] = [join(kit.dir, "closed"), join(kit.dir, "script")];
    mkdirSync(closed, { mode: 0o700 });
    writeFileSync(join(closed, "interpreter"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(script, `#!${closed}/interpreter\n`, { mode: 0o755 });
    expect(await failure({ cmd: script, user: "nobody", dir: "/" })).toEqual({
      errno: "EACCES",
      message: `cannot start \`${script}\`: Permission denied; its file system may be mounted noexec, or its interpreter be closed to that user`,
    });
  });

  it("is told from the program where that is closed to it", async () => {
    const closed = join(kit.dir, "closed");
    mkdirSync(closed, { mode: 0o700 });
    writeFileSync(join(closed, "prog"), "#!/bin/sh\n", { mode: 0o755 });
    expect(await failure({ cmd: join(closed, "prog"), user: "nobody" })).toMatchObject({
      errno: "EACCES",
    });
    expect(await failure({ ...shell("true"), user: "nobody", dir: closed })).toMatchObject({
      errno: "EACCES",
      message: expect.stringContaining(`the working directory \`${closed}\``) as string,
    });
    expect(await failure({ ...shell("true"), user: "nobody", dir: "/no/such" })).toMatchObject({
      errno: "ENOENT",
    });
  });

  it("never shows a value on a command line", async () => {
    const seen = new Set<string>();
    const look = setInterval(() => {
      for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
          seen.add(readFileSync(`/proc/${name}/cmdline`, "latin1"));
        } catch {
          continue; // it ended
        }
      }
    }, 1);
    const isAtWork = () => [...seen].some((line) => line.includes("SPRITE_ENV_FOR_"));
    for (let round = 0; round < 20 || (round < 400 && !isAtWork()); round += 1)
      await said({
        cmd: "/bin/true",
        user: "nobody",
        umask: 0o77,
        env: { A: "CANARY-7a", B: "CANARY-7b" },
      });
    clearInterval(look);
    expect(isAtWork()).toBe(true); // it was seen at work
    expect([...seen].filter((line) => line.includes("CANARY-7"))).toEqual([]);
  });
});
