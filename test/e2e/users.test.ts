import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BootOptions, linesOf, type Sprite, sprite } from "../support/daemon.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Only root can give a daemon lists of users of its own, and services other users. */
const canTry = process.getuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;

const [ALICE, STAFF, EXTRA] = [54_301, 54_302, 54_303];

/** Lists of users and groups that a test can change while a daemon reads them, and nobody else does. */
interface People {
  boot: BootOptions;
  /** With or without alice, who is in one more group. */
  write(withAlice: boolean): void;
  home: string;
}

function people(made: Sprite): People {
  const [passwd, group] = [join(made.dir, "passwd"), join(made.dir, "group")];
  const home = join(made.dir, "alice");
  chmodSync(made.dir, 0o755);
  mkdirSync(home);
  chownSync(home, ALICE, STAFF);
  const write = (withAlice: boolean) => {
    const user = `alice:x:${ALICE}:${STAFF}:Alice:${home}:/bin/bash\n`;
    const groups = `staff2:x:${STAFF}:\nextra:x:${EXTRA}:alice,bob\n`;
    writeFileSync(passwd, readFileSync("/etc/passwd", "utf8") + (withAlice ? user : ""));
    writeFileSync(group, readFileSync("/etc/group", "utf8") + groups);
  };
  write(true);
  const script = `mount --bind ${passwd} /etc/passwd && mount --bind ${group} /etc/group && exec "$0" "$@"`;
  return { home, write, boot: { wrapper: ["unshare", "-m", "sh", "-c", script] } };
}

async function booted(options: BootOptions = {}): Promise<{ made: Sprite; who: People }> {
  const made = sprite();
  const who = people(made);
  await made.boot({ ...who.boot, ...options });
  return { made, who };
}

const shell = (script: string) => ["--cmd", "sh", "--arg=-c", "--arg", script];

describe.skipIf(!canTry)("a daemon of root", () => {
  it("runs a service as the user that its definition names: ids, groups, home, environment, umask", async () => {
    const { made, who } = await booted();
    const script =
      'id -u; id -g; id -G; umask; pwd; echo "$HOME $USER $LOGNAME $SHELL"; : > made; echo to > /dev/stdout; sleep 1000';
    const words = ["services", "create", "web", ...shell(script), "--user", "alice"];
    const created = await made.cli(...words, "--umask", "0037", "--duration", "1s");
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const said = linesOf(created.stdout)
      .flatMap(({ data = "" }) => data)
      .join("");
    expect(said.split("\n").slice(0, -1)).toEqual([
      `${ALICE}`,
      `${STAFF}`,
      `${STAFF} ${EXTRA}`,
      "0037",
      who.home,
      `${who.home} alice alice /bin/bash`,
      "to",
    ]);
    const file = statSync(join(who.home, "made"));
    expect([file.uid, file.gid, (file.mode & 0o777).toString(8)]).toEqual([ALICE, STAFF, "640"]);
    expect(await made.get("web")).toMatchObject({ user: "alice", umask: "0037" });
  });

  it("runs the checks and the stop command of a service as that user, with the variables it began with", async () => {
    const { made, who } = await booted();
    const envFile = join(made.dir, "web.env");
    writeFileSync(envFile, "FROM=file\n");
    const note = (name: string) => ["sh", "-c", `echo "$(id -un) $(pwd) $FROM $OWN" >> ${name}`];
    await made.put("web", {
      ...{ cmd: "sh", args: ["-c", "sleep 1000"], user: "alice", env_file: envFile },
      ...{ env: { OWN: "x" }, ready: { exec: note("ready") } },
      health: { exec: note("health"), every: "50ms" },
      stop_command: ["sh", "-c", `${note("stop")[2]}; kill $MAINPID`],
    });
    const written = (name: string) => {
      const path = join(who.home, name);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    const line = `alice ${who.home} file x\n`;
    await made.untilState("web", "is ready", ({ phase }) => phase === "running");
    expect(written("ready")).toBe(line);
    writeFileSync(envFile, "FROM=changed\n"); // what runs is asked as it runs
    const seen = written("health").length;
    await until("two more checks", () => written("health").length > seen + line.length);
    await made.cli("services", "stop", "web");
    expect(new Set(written("health").split("\n"))).toEqual(new Set([line.trim(), ""]));
    expect(written("stop")).toBe(line);
    expect(statSync(join(who.home, "stop")).uid).toBe(ALICE);
  });

  it("hears from a service of another user that it is ready", async () => {
    const { made } = await booted();
    const script = [
      "import os, socket, time",
      "name = os.environ['NOTIFY_SOCKET']",
      "to = '\\0' + name[1:] if name[0] == '@' else name",
      "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', to)",
      "time.sleep(1000)",
    ].join("\n");
    const web = { cmd: "python3", args: ["-c", script], user: "alice", ready: { notify: true } };
    await made.put("web", { ...web, ready_timeout: "20s" });
    await made.untilState("web", "is ready", ({ phase }) => phase === "running");
    const fd = { cmd: "sh", args: ["-c", "echo >&3; sleep 1000"], user: "alice", ready: { fd: 3 } };
    await made.put("fd", { ...fd, ready_timeout: "20s" });
    await made.untilState("fd", "is ready", ({ phase }) => phase === "running");
  });

  it("refuses a user or group that is not there, at the door and at a start, and starts nothing instead", async () => {
    const { made, who } = await booted();
    const refused = await made.put("web", { cmd: "sleep", args: ["1000"], user: "bob" });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({
      error: "invalid_request",
      field: "user",
      value: "bob",
    });
    const words = ["services", "create", "web", "--cmd", "sleep", "--group", "bobs"];
    const told = await made.cli(...words);
    expect(told).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no group `bobs`") as string,
    });
    expect(made.rowsOf("web")).toEqual([]);

    await made.put("web", { cmd: "sleep", args: ["1000"], user: "alice" });
    const pid = await made.untilRunning("web");
    who.write(false);
    const again = await made.cli("services", "restart", "web", "--duration", "1s");
    expect(again.code).toBe(1);
    expect(again.stdout).toContain("Failed to start service: this machine has no user `alice`");
    expect(isLive(pid)).toBe(false);
    const rows = made.rowsOf("web", "process.spawn_failed");
    expect(rows[0]?.data).toMatchObject({ error: { errno: "ENOENT" } });
    expect(made.log("web")).toContain("[stderr] this machine has no user `alice`");
    expect((await made.cli("why", "web")).stdout).toContain("no user `alice`");

    who.write(true); // made again: the next try finds it
    await made.untilRunning("web");
  });

  it("says why a directory or a program is closed to the user", async () => {
    const { made } = await booted();
    const closed = join(made.dir, "closed");
    mkdirSync(closed, { mode: 0o700 });
    writeFileSync(join(closed, "prog"), "#!/bin/sh\n", { mode: 0o755 });
    const user = ["--user", "alice", "--duration", "1s"];
    const dir = await made.cli(
      "services",
      "create",
      "a",
      "--cmd",
      "true",
      "--dir",
      closed,
      ...user,
    );
    expect(dir.stdout).toContain(
      `the working directory \`${closed}\` cannot be entered by user \`alice\`: Permission denied`,
    );
    const cmd = await made.cli("services", "create", "b", "--cmd", join(closed, "prog"), ...user);
    expect(cmd.stdout).toContain(
      `\`${closed}/prog\` cannot be executed by user \`alice\`: Permission denied; \`${closed}\` above it is closed to that user`,
    );
    expect([dir.code, cmd.code]).toEqual([1, 1]);
  });

  it("finds a service of another user again after it was killed, ends it and starts one", async () => {
    const { made, who } = await booted();
    await made.put("web", { cmd: "sleep", args: ["1000"], user: "alice", umask: "0077" });
    const pid = await made.untilRunning("web");
    await made.killDaemon();
    expect(isLive(pid)).toBe(true);
    await made.boot(who.boot);
    const next = await made.untilRunning("web", pid);
    expect(isLive(pid)).toBe(false);
    expect(execFileSync("stat", ["-c", "%u", `/proc/${next}`], { encoding: "utf8" })).toBe(
      `${ALICE}\n`,
    );
  });

  it("runs those that name nobody as its default user, and ends at once where that is nobody", async () => {
    const { made, who } = await booted({ flags: ["--default-user", "alice"] });
    await made.put("web", { cmd: "sh", args: ["-c", "id -un; pwd; sleep 1000"] });
    await made.untilLogged("web", `[stdout] ${who.home}`);
    expect(made.log("web")).toContain("[stdout] alice");
    await made.put("own", { cmd: "sh", args: ["-c", "id -un; sleep 1000"], user: "root" });
    await made.untilLogged("own", "[stdout] root");

    const other = sprite();
    const { code, stderr } = await other.launch({ flags: ["--default-user", "bob"] }).ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain("default_user: this machine has no user `bob`");
    expect(existsSync(other.stateDir)).toBe(false);
  });

  it("starts nothing as root where setpriv is missing or may not change users", async () => {
    const made = sprite();
    chmodSync(made.dir, 0o755); // for all to enter, and for root alone to write
    const hide = 'mount --bind /dev/null /usr/bin/setpriv && exec "$0" "$@"';
    await made.boot({
      wrapper: ["unshare", "-m", "sh", "-c", hide],
      env: { PATH: "/usr/bin:/bin" },
    });
    const words = [
      ...shell("touch ran; sleep 1000"),
      "--user",
      "daemon",
      "--dir",
      made.dir,
      "--restart",
      "never",
      "--duration",
      "1s",
    ];
    const missing = await made.cli("services", "create", "web", ...words);
    expect(missing.stdout).toContain("`setpriv` is not on the daemon's PATH");
    await made.shutDown();

    await made.boot({
      wrapper: ["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"],
    });
    const failed = await made.cli("services", "start", "web", "--duration", "1s");
    expect(failed.stdout).toContain("`setpriv` could not make it user `daemon`");
    expect(failed.stdout).toContain("CAP_SETUID");
    expect([missing.code, failed.code]).toEqual([1, 1]);
    expect(made.log("web")).toMatch(
      /setpriv: set(res[ug]id|groups) failed: Operation not permitted/,
    );
    expect(existsSync(join(made.dir, "ran"))).toBe(false);
  });
});

describe.skipIf(!canTry)("a daemon of nobody", () => {
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const nobodys = async (flags: readonly string[] = []) => {
    const made = sprite();
    chmodSync(made.dir, 0o755);
    for (const directory of [made.dir, made.home]) chownSync(directory, 65_534, 65_534);
    return { made, boot: { wrapper: asNobody, flags } };
  };

  it("refuses other users and groups, and takes itself by name and number", async () => {
    const { made, boot } = await nobodys();
    await made.boot(boot);
    for (const field of [
      { user: "root" },
      { user: "1" },
      { group: "root" },
      { user: "nobody", group: "0" },
    ]) {
      const { status, text } = await made.put("web", { cmd: "sleep", args: ["1000"], ...field });
      expect([status, JSON.parse(text)]).toEqual([
        403,
        expect.objectContaining({ error: "user_not_allowed" }),
      ]);
    }
    const told = await made.cli("services", "create", "web", "--cmd", "sleep", "--user", "root");
    expect(told).toMatchObject({ code: 6, stdout: "" });
    expect(told.stderr).toContain(
      "user is `root`, but the daemon runs as user 65534 and group 65534, not as root",
    );
    expect(made.rowsOf("web")).toEqual([]);
    for (const [name, user] of [
      ["a", "nobody"],
      ["b", "65534"],
    ]) {
      const script = "id -u; umask; sleep 1000";
      const own = { user, group: "65534", umask: "0027", dir: "/" };
      expect((await made.put(name ?? "", { cmd: "sh", args: ["-c", script], ...own })).status).toBe(
        200,
      );
      await made.untilLogged(name ?? "", /\[stdout\] 65534\n[^]*\[stdout\] 0027\n/);
    }
  });

  it("does not begin with a default user that it cannot become", async () => {
    const { made, boot } = await nobodys(["--default-user", "root"]);
    const { code, stderr } = await made.launch(boot).ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain("default_user: user is `root`, but the daemon runs as user 65534");
  });

  it("does not start what a daemon of root was asked for, for good, and says so", async () => {
    const { made, boot } = await nobodys();
    await made.boot();
    await made.put("web", { cmd: "sleep", args: ["1000"], user: "daemon", dir: "/" });
    await made.untilRunning("web");
    await made.shutDown();
    execFileSync("chown", ["-R", "65534:65534", made.dir]);
    await made.boot(boot);
    const state = await made.untilState("web", "failed", ({ phase }) => phase === "failed");
    expect(state.error).toContain("user is `daemon`, but the daemon runs as user 65534");
    expect(state.last_exit).toEqual({ spawn_error: "EPERM" });
  });
});
