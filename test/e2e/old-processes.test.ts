import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bootedSprite, fixture, type Sprite, sprite } from "../support/daemon.ts";
import { isLive, processesAt, signal, startTimeOf } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Whether a private mount or PID namespace can be had. */
const canUnshare = (...flags: string[]): boolean =>
  spawnSync("unshare", [...flags, "true"]).status === 0;

const linesIn = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];

/** A service whose processes, one of them in a session of its own, hold a lock: a second life beside the first writes that down. */
async function putOnce(made: Sprite, name: string): Promise<{ pid: number; ran: () => number }> {
  const file = join(made.dir, name);
  await made.put(name, { cmd: fixture("once"), args: [file] });
  await until(`${name} holds its lock`, () => linesIn(`${file}.lives`).length === 1);
  const { pid = 0 } = await made.state(name);
  return {
    pid,
    ran: () => {
      expect(existsSync(`${file}.twice`), `${name} ran twice`).toBe(false);
      return linesIn(`${file}.lives`).length;
    },
  };
}

it("after a SIGKILL of the daemon ends what is left of every service, escapees too, before it starts it again", async () => {
  const made = await bootedSprite();
  const services = [await putOnce(made, "a"), await putOnce(made, "b")];
  await made.put("stopped", { cmd: fixture("forever") });
  await made.cli("services", "stop", "stopped");
  await made.killDaemon();
  const old = processesAt(made.dir);
  const began = new Map(old.map((pid) => [pid, startTimeOf(pid)]));
  expect(old.length).toBeGreaterThanOrEqual(4);
  await made.boot();

  for (const [index, name] of ["a", "b"].entries()) {
    await made.untilRunning(name, services[index]?.pid);
    await until("it holds its lock again", () => services[index]?.ran() === 2);
    expect((await made.state(name)).restart_count).toBeUndefined();
  }
  expect(old.filter((pid) => isLive(pid) && startTimeOf(pid) === began.get(pid))).toEqual([]);
  expect(await made.state("stopped")).toMatchObject({ phase: "stopped" });
  const rows = made.rowsOf("a").slice(-6);
  const types = rows.map(({ type }) => type).filter((type) => type !== "output.ended");
  expect(types.slice(-5)).toEqual([
    "environment.booted",
    "process.exited",
    "incarnation.emptied",
    "process.spawn_requested",
    "process.spawned",
  ]);
});

it("ends what a service that was stopped meanwhile left, and starts nothing of it", async () => {
  const made = await bootedSprite();
  await made.put("web", { cmd: fixture("ignores-term") });
  await made.untilLogged("web", "up");
  const { pid = 0 } = await made.state("web");
  const stopping = made.cli("services", "stop", "web", "--timeout", "30s");
  await until(
    "it is asked to stop",
    () => made.rowsOf("web", "service.stop_requested").length === 1,
  );
  await made.killDaemon();
  await stopping;
  expect(isLive(pid)).toBe(true);
  await made.boot();
  const again = await made.cli("services", "stop", "web", "--timeout", "0s");

  expect(again.code).toBe(0);
  expect(isLive(pid)).toBe(false);
  expect(await made.state("web")).toMatchObject({ phase: "stopped", desired: "stopped" });
  expect(made.rowsOf("web", "process.spawn_requested")).toHaveLength(1);
});

it.skipIf(!canUnshare("-m"))(
  "starts nothing beside a process that nothing proves its own: names it, leaves it alone, and starts when it is gone",
  async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: "sleep", args: ["100000"] });
    const { pid = 0 } = await made.state("web");
    await made.killDaemon();
    const empty = join(made.dir, "empty");
    mkdirSync(empty);
    const hide = `mount --bind "$0" /proc/${pid} && exec "$@"`;
    const daemon = await made.boot({ wrapper: ["unshare", "-m", "sh", "-c", hide, empty] });

    expect(await made.state("web")).toMatchObject({
      status: "starting",
      phase: "pending",
      waiting_for: [`process ${pid}`],
      error: expect.stringContaining(`${pid}`) as string,
    });
    expect(daemon.said()).toContain(`process ${pid} may be of an earlier life`);
    const restarted = await made.cli("services", "restart", "web", "--no-stream");
    expect(restarted.stdout).toContain(`waiting for process ${pid}`);
    expect(isLive(pid)).toBe(true);
    expect(made.rowsOf("web", "process.spawn_requested")).toHaveLength(1);
    signal(pid, "SIGKILL");
    await made.untilRunning("web", pid);
  },
);

it.skipIf(!canUnshare("-m"))(
  "cannot call a service stopped while a process that may be its own is there",
  async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: "sleep", args: ["100000"] });
    const { pid = 0 } = await made.state("web");
    await made.killDaemon();
    const empty = join(made.dir, "empty");
    mkdirSync(empty);
    const hide = `mount --bind "$0" /proc/${pid} && exec "$@"`;
    await made.boot({ wrapper: ["unshare", "-m", "sh", "-c", hide, empty] });
    const stopping = made.cli("services", "stop", "web");
    await made.untilState("web", "is stopping", ({ phase }) => phase === "stopping");
    expect(isLive(pid)).toBe(true);
    signal(pid, "SIGKILL");

    expect((await stopping).code).toBe(0);
    expect(await made.state("web")).toMatchObject({ phase: "stopped" });
  },
);

/** A daemon as process 1 of a PID namespace that ends with its wrapper. The script runs before it, and may use the arguments after it as "$@". */
const inNamespace = (script = ""): string[] => [
  ...["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
  ...["sh", "-c", `${script} exec "$@"`, "sh"],
];

it.skipIf(!canUnshare("--pid", "--fork", "--mount-proc", "--kill-child"))(
  "in a new PID namespace takes no process for its own that has an old one's pid",
  async () => {
    const made = sprite();
    await made.boot({ wrapper: inNamespace() });
    await made.put("web", { cmd: "sleep", args: ["100000"] });
    const { pid = 0 } = await made.state("web");
    await made.cutPower();
    const bystander = `echo ${pid - 1} >/proc/sys/kernel/ns_last_pid; sleep 77777 & echo "bystander $!"; echo 5000 >/proc/sys/kernel/ns_last_pid;`;
    const daemon = await made.boot({ wrapper: inNamespace(bystander) });
    const { pid: now } = await made.untilState("web", "runs", ({ status }) => status === "running");

    expect(daemon.said()).toContain(`bystander ${pid}\n`);
    expect(now).not.toBe(pid);
    expect(made.rowsOf("web", "environment.booted").at(-1)?.data).toMatchObject({
      found: { kind: "none" },
      newMachineBoot: true,
    });
    expect((await made.cli("services", "stop", "web")).code).toBe(0);
    const others = processesAt(made.dir).map((one) =>
      readFileSync(`/proc/${one}/cmdline`, "latin1").replaceAll("\0", " ").trim(),
    );
    expect(others).toContain("sleep 77777");
    expect(others).not.toContain("sleep 100000");
  },
);
