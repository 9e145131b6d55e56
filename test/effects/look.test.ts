import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { OpenIncarnation } from "../../src/runtime/ports.ts";
import { machineBoot, sameBoot } from "../../src/effects/identity.ts";
import { readStat } from "../../src/posix/proc.ts";
import { createKit, fixture, type Kit, runs, until } from "./runner-kit.ts";

interface Owned {
  open: OpenIncarnation;
  pid: number;
  /** The pid that the program wrote. */
  told: number;
}

let kit: Kit;
let bystander: ChildProcess | undefined;

beforeEach(() => {
  kit = createKit({ runDir: mkdtempSync(join(tmpdir(), "sprite-env-look-")) });
});
afterEach(async () => {
  bystander?.kill("SIGKILL");
  bystander = undefined;
  await kit.close();
});

/** A service whose daemon was killed. */
async function orphaned(cmd: string, ...args: string[]): Promise<Owned> {
  const script = fileURLToPath(new URL("owner.ts", import.meta.url));
  const owner = spawn(process.execPath, [script, kit.dir, cmd, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(owner.stdout, "data")) as [Buffer];
  owner.kill("SIGKILL");
  await once(owner, "exit");
  const { told, ...facts } = JSON.parse(line.toString()) as Omit<OpenIncarnation, "stream"> & {
    pid: number;
    told: number;
  };
  return { open: { stream: "service/web", ...facts, exited: false }, pid: facts.pid, told };
}

const look = async (open: OpenIncarnation) => (await kit.runner.look([open])).get(open.incarnation);

const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);

/** A process of nobody's. */
async function anybody(
  env: Record<string, string> = { ANY: "body" },
): Promise<{ pid: number; startTime: string }> {
  bystander = spawn("sleep", ["1000"], { env });
  await once(bystander, "spawn");
  const pid = bystander.pid ?? 0;
  return { pid, startTime: readStat(pid)?.startTime ?? "" };
}

const record = (facts: Partial<OpenIncarnation>): OpenIncarnation => ({
  stream: "service/web",
  incarnation: "in_recorded",
  exited: false,
  machineBoot: machineBoot(),
  ...facts,
});

it("finds the main process of a daemon that was killed, reads its output on, and ends it", async () => {
  const { open, pid } = await orphaned(fixture("graceful"));
  expect(await look(open)).toEqual({
    kind: "proven",
    pids: expect.arrayContaining([pid]) as number[],
  });
  expect(kit.logs.reopened).toEqual([open.incarnation]);
  kit.stop(open.incarnation);
  await kit.fact(open.incarnation, "output.ended");
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(false);
  expect(kit.logs.text(open.incarnation)).toContain("goodbye");
  expect(types(open.incarnation)).toContain("process.exited");
  expect(types(open.incarnation)).not.toContain("process.kill_sent");
});

it("ends with KILL what ignores its signal, of another daemon too", async () => {
  const { open, pid } = await orphaned(fixture("ignores-term"));
  await look(open);
  kit.stop(open.incarnation, 100);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(false);
  expect(types(open.incarnation)).toContain("process.kill_sent");
});

it("finds the main process where its pid was never recorded", async () => {
  const { open, pid } = await orphaned(fixture("forever"));
  const { pid: _, startTime: __, ...unrecorded } = open;
  expect(await look(unrecorded)).toMatchObject({ kind: "proven", pids: [pid, expect.anything()] });
  kit.stop(open.incarnation);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(false);
});

it("signals a main process that an earlier daemon spawned", async () => {
  const { open, pid } = await orphaned(fixture("forever"));
  await look(open);
  kit.runner.signal({ stream: open.stream, incarnation: open.incarnation, signal: "KILL" });
  await until("its end", () => !runs(pid));
  kit.stop(open.incarnation);
  await kit.fact(open.incarnation, "incarnation.emptied");
});

it("finds what a main process left that is gone", async () => {
  const { open, told } = await orphaned(fixture("escapes"), "exit");
  expect(await look({ ...open, exited: true })).toMatchObject({ kind: "proven", pids: [told] });
  kit.stop(open.incarnation, 60_000);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(told)).toBe(false);
  expect(types(open.incarnation)).toEqual(expect.not.arrayContaining(["process.exited"]));
});

it("finds by its FIFO one that has overwritten its environment", async () => {
  const script = "setsid sh -c 'env -i sleep 1000 & echo escapee $!'";
  const { open, told } = await orphaned("/bin/sh", "-c", script);
  expect(await look(open)).toEqual({ kind: "proven", pids: [told] });
  kit.stop(open.incarnation);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(told)).toBe(false);
});

it("finds nothing where nothing is left, and says so again", async () => {
  const { open, pid } = await orphaned(fixture("forever"));
  await look(open);
  kit.stop(open.incarnation);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(false);
  expect(await look(open)).toEqual({ kind: "none" });
});

it("takes nothing for a service's that has its pid and began at another time", async () => {
  const { pid, startTime } = await anybody();
  const open = record({ pid, startTime: String(Number(startTime) - 1) });
  expect(await look(open)).toEqual({ kind: "none" });
  kit.stop(open.incarnation, 0);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(true);
});

it("trusts no pid of another boot of the machine", async () => {
  const { pid, startTime } = await anybody();
  const open = record({ pid, startTime, machineBoot: "another/4026531836" });
  expect(await look(open)).toEqual({ kind: "none" });
  kit.stop(open.incarnation, 0);
  await kit.fact(open.incarnation, "incarnation.emptied");
  expect(runs(pid)).toBe(true);
});

it("names a pid that nothing proves, and signals nothing", async () => {
  const { pid } = await anybody();
  const open = record({ pid, startTime: "" });
  expect(await look(open)).toEqual({ kind: "unproven", pid });
  kit.stop(open.incarnation, 0);
  kit.runner.empty({ stream: open.stream, incarnation: open.incarnation });
  expect(await look(open)).toEqual({ kind: "unproven", pid });
  expect(runs(pid)).toBe(true);
  expect(types(open.incarnation)).toEqual([]);
});

it("names a pid that nothing proves where the machine's boot has no name", async () => {
  const { pid, startTime } = await anybody();
  const open = record({ pid, startTime, machineBoot: "unknown/unknown" });
  expect(await look(open)).toEqual({ kind: "unproven", pid });
});

it("knows one boot of the machine from another, and when it cannot", () => {
  expect(machineBoot()).toMatch(/^[0-9a-f-]{36}\/\d+\/\d+$/);
  expect(sameBoot(machineBoot(), machineBoot())).toBe(true);
  expect(sameBoot("a/1/7", "a/2/7")).toBe(false);
  expect(sameBoot("a/1/7", "a/1/8")).toBe(false);
  expect(sameBoot("a/1/unknown", "a/1/unknown")).toBe(true);
  expect(sameBoot("a/1/7", "a/1/unknown")).toBeUndefined();
  expect(sameBoot("unknown/1/7", "unknown/1/7")).toBeUndefined();
});

it("runs the stop command of what an earlier daemon left, with its pid, as the service", async () => {
  const main = 'trap "exit 0" USR1; echo up $$; while :; do sleep 0.02; done';
  const { open, pid } = await orphaned("/bin/sh", "-c", main);
  await look(open);
  const script = 'echo "stops $MAINPID as $SPRITE_ENV_INCARNATION"; kill -USR1 $MAINPID';
  const stopCommand = ["/bin/sh", "-c", script];
  kit.stop(open.incarnation, 10_000, "TERM", { cmd: "/bin/sh", args: ["-c", main], stopCommand });
  await kit.fact(open.incarnation, "incarnation.emptied");

  expect(kit.logs.text(open.incarnation)).toContain(`stops ${pid} as ${open.incarnation}`);
  expect(types(open.incarnation)).not.toContain("process.kill_sent");
  expect(runs(pid)).toBe(false);
});

it("signals what an earlier daemon left when its stop command fails", async () => {
  const { open, pid } = await orphaned(fixture("graceful"));
  await look(open);
  const definition = { cmd: fixture("graceful"), stopCommand: ["false"] };
  kit.stop(open.incarnation, 10_000, "TERM", definition);
  await kit.fact(open.incarnation, "incarnation.emptied");

  expect(types(open.incarnation)).toContain("process.stop_command_failed");
  expect(types(open.incarnation)).not.toContain("process.kill_sent");
  expect(runs(pid)).toBe(false);
});
