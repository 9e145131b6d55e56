import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKit, type Kit, runs, until } from "./runner-kit.ts";

let kit: Kit;
beforeAll(() => void (kit = createKit()));
afterAll(() => kit.close());

const MAIN =
  'trap "echo term; exit 7" TERM; trap "echo usr1; exit 0" USR1; echo up; while :; do sleep 0.02; done';
const FOREVER = 'trap "" TERM; echo up; while :; do sleep 0.02; done';

interface Options {
  main?: string;
  timeoutMs?: number;
  env?: Record<string, string>;
}

/** Spawns a main process, and stops it by a script once it is up. */
async function stopBy(command: readonly string[], options: Options = {}): Promise<string> {
  const { main = MAIN, timeoutMs = 10_000, env = {} } = options;
  const definition = { cmd: "/bin/sh", args: ["-c", main], env, stopCommand: command };
  const incarnation = kit.spawn(definition);
  await kit.line(incarnation, /up/);
  kit.stop(incarnation, timeoutMs, "TERM", definition);
  return incarnation;
}
const by = (script: string, options?: Options) => stopBy(["/bin/sh", "-c", script], options);
const types = (incarnation: string) =>
  kit
    .facts(incarnation)
    .map(({ type }) => type)
    .filter((type) => type !== "output.ended");
const over = (incarnation: string) => kit.fact(incarnation, "incarnation.emptied");
const status = async (incarnation: string) =>
  (await kit.fact(incarnation, "process.exited")).status;
const file = (name: string) => join(kit.dir, name);
const pidIn = (name: string) =>
  until(name, () => existsSync(file(name)) && Number(readFileSync(file(name), "utf8").trim()));

describe("a stop command", () => {
  it("ends the main process, which gets no signal of ours", async () => {
    const incarnation = await by("kill -USR1 $MAINPID");
    await over(incarnation);

    expect(await status(incarnation)).toEqual({ code: 0 });
    expect(kit.logs.text(incarnation)).toContain("usr1");
    expect(kit.logs.text(incarnation)).not.toContain("term");
    expect(types(incarnation)).toEqual([
      "process.spawned",
      "process.exited",
      "incarnation.emptied",
    ]);
  });

  it("runs as the service does, marked as its own, in a session of its own, and says where: in its log", async () => {
    const script =
      'echo "dir $(pwd)"; echo "own $OWN"; echo "mark $SPRITE_ENV_INCARNATION"; echo "session $(cut -d" " -f6 /proc/$$/stat) $$"; kill -USR1 $MAINPID';
    const incarnation = await by(script, { env: { OWN: "value" } });
    await over(incarnation);

    const text = kit.logs.text(incarnation);
    expect(text).toContain(`dir ${kit.dir}\nown value\nmark ${incarnation}\n`);
    expect(text).toMatch(/session (\d+) \1\n/);
  });

  it("that succeeds leaves the main process its time, then everything gets KILL", async () => {
    const incarnation = await by("true", { timeoutMs: 300 });
    await over(incarnation);

    expect(await status(incarnation)).toEqual({ signal: "KILL" });
    expect(kit.logs.text(incarnation)).not.toContain("term");
    expect(types(incarnation)).toEqual([
      "process.spawned",
      "process.kill_sent",
      "process.exited",
      "incarnation.emptied",
    ]);
  });

  it.each([
    ["fails", ["/bin/sh", "-c", "exit 3"], "`/bin/sh` exited with code 3"],
    ["is killed", ["/bin/sh", "-c", "kill -9 $$"], "`/bin/sh` killed by signal KILL"],
    ["is not there", ["no-such-program"], "executable file `no-such-program` not found"],
    ["is no program", ["/etc/passwd"], "`/etc/passwd` is not executable"],
    ["holds a NUL", ["true", "a\0b"], "NUL"],
  ])("that %s is told, and the signal follows at once", async (_, command, reason) => {
    const incarnation = await stopBy(command);
    await over(incarnation);

    expect((await kit.fact(incarnation, "process.stop_command_failed")).reason).toContain(reason);
    expect(await status(incarnation)).toEqual({ code: 7 });
    expect(types(incarnation)).toEqual([
      "process.spawned",
      "process.stop_command_failed",
      "process.exited",
      "incarnation.emptied",
    ]);
  });

  it("that hangs is ended at the deadline, with all that it started", async () => {
    const script = `setsid sleep 1000 & echo $! > ${file("helper")}; echo $$ > ${file("hangs")}; trap "" TERM; sleep 1000`;
    const incarnation = await by(script, { timeoutMs: 700 });
    const pids = [await pidIn("hangs"), await pidIn("helper")];
    await over(incarnation);

    expect(pids.filter(runs)).toEqual([]);
    expect(types(incarnation)).not.toContain("process.stop_command_failed");
    expect(types(incarnation)).toContain("process.kill_sent");
  });

  it("may clean up after the main process ended, and is waited for", async () => {
    const script = `kill -USR1 $MAINPID; while kill -0 $MAINPID 2>/dev/null; do sleep 0.02; done; sleep 0.8; echo cleaned up`;
    const incarnation = await by(script);
    await kit.fact(incarnation, "process.exited");
    expect(types(incarnation)).not.toContain("incarnation.emptied");
    await over(incarnation);

    expect(kit.logs.text(incarnation)).toContain("cleaned up");
    expect(types(incarnation)).not.toContain("process.kill_sent");
  });

  it("that fails when the main process has ended already did what it was for", async () => {
    const script = `kill -USR1 $MAINPID; while kill -0 $MAINPID 2>/dev/null; do sleep 0.02; done; exit 1`;
    const incarnation = await by(script);
    await over(incarnation);

    expect(types(incarnation)).toEqual([
      "process.spawned",
      "process.exited",
      "incarnation.emptied",
    ]);
  });

  it("and cleaning up after the end of the main process is over at the deadline", async () => {
    const script = `echo $$ > ${file("lingers")}; kill -USR1 $MAINPID; trap "" TERM; while :; do sleep 0.02; done`;
    const incarnation = await by(script, { timeoutMs: 1_000 });
    const pid = await pidIn("lingers");
    await kit.fact(incarnation, "process.exited");
    await over(incarnation);

    expect(runs(pid)).toBe(false);
    expect(types(incarnation).slice(-2)).toEqual(["process.kill_sent", "incarnation.emptied"]);
  });

  it("takes what the main process left in other sessions with it", async () => {
    const main = `setsid sh -c 'echo $$ > ${file("left")}; exec sleep 1000' & ${MAIN}`;
    const incarnation = await by("sleep 0.3; kill -USR1 $MAINPID; sleep 0.3", { main });
    const left = await pidIn("left");
    await over(incarnation);

    expect(runs(left)).toBe(false);
  });

  it("is not run where the time is up already", async () => {
    const incarnation = await by(`touch ${file("ran")}`, { main: FOREVER, timeoutMs: 0 });
    await over(incarnation);

    expect(existsSync(file("ran"))).toBe(false);
    expect(await status(incarnation)).toEqual({ signal: "KILL" });
  });

  it("is not run where the main process is gone", async () => {
    const stopCommand = ["/bin/sh", "-c", `touch ${file("too-late")}`];
    const definition = { cmd: "/bin/sh", args: ["-c", "setsid sleep 1000 & exit 0"], stopCommand };
    const incarnation = kit.spawn(definition);
    await kit.fact(incarnation, "process.exited");
    kit.stop(incarnation, 5_000, "TERM", definition);
    await over(incarnation);

    expect(existsSync(file("too-late"))).toBe(false);
  });

  it("is cut short by a second stop that leaves less time", async () => {
    const script = `echo $$ > ${file("cut")}; sleep 1000`;
    const incarnation = await by(script, { main: FOREVER, timeoutMs: 3_600_000 });
    const pid = await pidIn("cut");
    kit.stop(incarnation, 0);
    await over(incarnation);

    expect(runs(pid)).toBe(false);
    expect(types(incarnation)).not.toContain("process.stop_command_failed");
  });
});

describe("a stop signal", () => {
  it.each(["RTMIN+1", "RTMIN+15", "USR2", "PWR", "HUP"])("may be %s", async (signal) => {
    const traps = signal.startsWith("RT") ? `SIG${signal}` : signal;
    const incarnation = kit.spawn({
      cmd: "/bin/bash",
      args: ["-c", `trap 'exit 9' ${traps}; echo up; while :; do sleep 0.02; done`],
    });
    await kit.line(incarnation, /up/);
    kit.stop(incarnation, 10_000, signal);
    await over(incarnation);

    expect(await status(incarnation)).toEqual({ code: 9 });
    expect(types(incarnation)).not.toContain("process.kill_sent");
  });

  it("of real time is the cause of death by its name", async () => {
    const incarnation = kit.spawn({ cmd: "/bin/sh", args: ["-c", "echo up; exec sleep 1000"] });
    await kit.line(incarnation, /up/);
    kit.stop(incarnation, 10_000, "RTMIN+4");
    await over(incarnation);

    expect(await status(incarnation)).toEqual({ signal: "RTMIN+4" });
  });
});
