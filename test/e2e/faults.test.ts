import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import { describeProcess, isLive, processesAt, signal } from "../support/processes.ts";
import { until } from "../support/until.ts";

const canTrace = spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;

/** Delays system calls of a process that runs already, in all its threads. */
async function delay(pid: number, calls: string, ms: number): Promise<ChildProcess> {
  const inject = `inject=${calls}:delay_enter=${ms * 1000}`;
  const args = ["-f", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", inject, "-p", `${pid}`];
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void strace.kill("SIGKILL"));
  await once(strace.stderr, "data"); // "Process … attached"
  return strace;
}

/** The lock that a service's programs hold, and who found it held by another. */
const lockOf = (made: Sprite) => {
  const file = join(made.dir, "web");
  return {
    definition: { cmd: fixture("once"), args: [file] },
    ranTwice: () => existsSync(`${file}.twice`),
    lives: () =>
      existsSync(`${file}.lives`)
        ? readFileSync(`${file}.lives`, "utf8").split("\n").filter(Boolean).length
        : 0,
  };
};

describe.skipIf(!canTrace)("a disk that stalls", () => {
  it("delays answers and nothing else: nothing is acknowledged early, and the daemon says that it is well", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("forever") });
    await delay(made.daemon?.pid ?? 0, "fdatasync,fsync", 1_500);
    const before = made.rows().length;
    let isAnswered = false;
    const asked = made.put("late", { cmd: fixture("forever") }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    const health = await made.ask({ path: "/healthz" });
    expect(health.status).toBe(200);
    expect({ isAnswered, rows: made.rows().length }).toEqual({ isAnswered: false, rows: before });

    expect((await asked).status).toBe(200);
    expect(made.rowsOf("late", "service.created")).toHaveLength(1);
  });

  it("a daemon killed before the pid of a spawn was on disk: the next one finds the process, ends it, and starts one", async () => {
    const made = await bootedSprite();
    const lock = lockOf(made);
    const strace = await delay(made.daemon?.pid ?? 0, "fdatasync,fsync", 1_000);
    const asked = made.put("web", lock.definition).catch(() => undefined);
    await until("its program runs", () => lock.lives() === 1);
    expect(made.rowsOf("web", "process.spawned")).toEqual([]);
    await made.killDaemon();
    await asked;
    strace.kill("SIGKILL");
    await made.boot();

    await made.untilRunning("web");
    await until("it holds its lock", () => lock.lives() === 2);
    expect(lock.ranTwice()).toBe(false);
    expect(made.rowsOf("web", "environment.booted")[0]?.data["found"]).toMatchObject({
      kind: "proven",
    });
  });
});

it.skipIf(!canTrace)(
  "a daemon killed between fork and exec: the next one waits for the child, then finds and ends it",
  async () => {
    const made = await bootedSprite();
    const lock = lockOf(made);
    const strace = await delay(made.daemon?.pid ?? 0, "execve", 1_000);
    const asked = made.put("web", lock.definition).catch(() => undefined);
    const children = () => processesAt(made.dir).filter((pid) => pid !== made.daemon?.pid);
    await until("a child is there", () => children().length > 0);
    await made.killDaemon();
    await asked;
    await made.boot();
    strace.kill("SIGKILL");

    await made.untilRunning("web");
    await until("it holds its lock", () => lock.lives() >= 1);
    expect(lock.ranTwice()).toBe(false);
    const mains = processesAt(made.dir).map(describeProcess);
    expect(mains.filter((line) => line.includes("sleep 100000"))).toHaveLength(2);
  },
);

it("a daemon that was stopped and goes on restarts nothing", async () => {
  const made = await bootedSprite();
  const probes = join(made.dir, "probes");
  await made.put("web", { cmd: fixture("forever") });
  await made.put("checked", {
    cmd: fixture("forever"),
    health: {
      exec: ["sh", "-c", `echo >>${probes}`],
      every: "200ms",
      timeout: "500ms",
      failures: 2,
    },
  });
  const asked = () => (existsSync(probes) ? readFileSync(probes).length : 0);
  await until("it is asked how it is", () => asked() > 0);
  const pids = [(await made.state("web")).pid, (await made.state("checked")).pid];
  made.daemon?.signal("SIGSTOP");
  await pause(2_500); // the fault itself: far longer than two failures need
  const before = asked();
  made.daemon?.signal("SIGCONT");

  expect((await made.ask({ path: "/healthz" })).status).toBe(200);
  await until("it is asked again", () => asked() > before + 2);
  expect([(await made.state("web")).pid, (await made.state("checked")).pid]).toEqual(pids);
  expect(made.rowsOf("checked", "health.failed")).toEqual([]);
});

it("the last words of a service that dies of a signal are in its log, and the signal is recorded", async () => {
  const made = await bootedSprite();
  const script = "printf oops >&2; ulimit -c 0; kill -SEGV $$";
  await made.put("web", { cmd: "sh", args: ["-c", script], backoff: { first: "30s" } });
  await made.untilState("web", "crashed", ({ phase }) => phase === "crashed");
  await made.untilLogged("web", "[stderr] oops");

  expect(await made.state("web")).toMatchObject({
    last_exit: { signal: "SEGV" },
    error: "killed by signal SEGV",
  });
});

it("a child that holds the output of a service that ended is ended, too, and delays nothing", async () => {
  const made = await bootedSprite();
  await made.put("web", { cmd: fixture("forks"), backoff: { first: "30s" } });
  await made.untilState("web", "crashed", ({ phase }) => phase === "crashed");
  const log = await made.untilLogged("web", /child \d+/);
  const [, child = "0"] = /child (\d+)/.exec(log) ?? [];
  await until("what it left is ended", () => !isLive(Number(child)));

  await until(
    "its emptiness is on record",
    () => made.rowsOf("web", "incarnation.emptied").length === 1,
  );
  expect(made.rowsOf("web", "process.exited")[0]?.data["status"]).toEqual({ code: 0 });
});

it("services that crash at full speed disturb no other, and the daemon answers", async () => {
  const made = await bootedSprite();
  await made.put("good", { cmd: fixture("forever") });
  const { pid = 0 } = await made.state("good");
  const bad = ["a", "b", "c", "d", "e"];
  for (const name of bad)
    await made.put(name, { cmd: "false", backoff: { first: "0s", max: "0s" } });
  for (const name of bad) {
    await made.untilState(name, "crashed often", ({ restart_count: n = 0 }) => n >= 15);
  }
  expect((await made.ask({ path: "/healthz" })).status).toBe(200);
  expect(await made.state("good")).toMatchObject({ pid, status: "running" });
  for (const name of bad) expect((await made.cli("services", "stop", name)).code).toBe(0);

  const exits = made.rowsOf("a", "process.exited");
  const looping = exits.slice(6);
  const gaps = looping.slice(1).map(({ at }, index) => at - (looping[index]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  signal(pid, "SIGTERM");
  await made.untilRunning("good", pid);
});

it.each([
  ["a directory", "/tmp", "EACCES", /is a directory/],
  ["a file that is not executable", "/etc/passwd", "EACCES", /not executable|Permission denied/],
  ["a script whose interpreter is missing", "script", "ENOENT", /\/no\/such\/interpreter/],
  ["an empty file", "empty", "ENOEXEC", /empty file/],
])("says why %s cannot be run", async (_, cmd, errno, words) => {
  const made = await bootedSprite();
  writeFileSync(join(made.home, "script"), "#!/no/such/interpreter\n", { mode: 0o755 });
  writeFileSync(join(made.home, "empty"), "", { mode: 0o755 });
  const path = cmd.startsWith("/") ? cmd : join(made.home, cmd);
  const { stdout, code } = await made.cli("services", "create", "web", "--cmd", path);

  expect(code).toBe(1);
  expect(stdout).toMatch(words);
  expect((await made.state("web")).last_exit).toEqual({ spawn_error: errno });
  await made.untilLogged("web", words);
});
