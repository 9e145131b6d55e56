import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readStat } from "../../src/posix/proc.ts";
import { createKit, fixture, type Kit, runs, until } from "./runner-kit.ts";

let kit: Kit;
beforeAll(() => {
  kit = createKit();
});
afterAll(() => kit.close());

const sh = (script: string) => kit.spawn({ cmd: "/bin/sh", args: ["-c", script] });
const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);

/** Stops an incarnation once it has written its pid, and waits until it is empty. */
async function stopped(incarnation: string, timeoutMs?: number, signal?: string) {
  await kit.line(incarnation, /up|escapee/);
  kit.stop(incarnation, timeoutMs, signal);
  await kit.fact(incarnation, "incarnation.emptied");
  return (await kit.fact(incarnation, "process.exited")).status;
}

it("ends a service with the signal it asks for, and without KILL", async () => {
  const term = kit.spawn({ cmd: fixture("graceful") });
  expect(await stopped(term)).toEqual({ code: 7 });
  expect(types(term)).not.toContain("process.kill_sent");
  const int = kit.spawn({ cmd: fixture("forever") });
  expect(await stopped(int, 5_000, "INT")).toEqual({ signal: "INT" });
});

it("ends with KILL what ignores its signal, and says so", async () => {
  const incarnation = kit.spawn({ cmd: fixture("ignores-term") });
  expect(await stopped(incarnation, 100)).toEqual({ signal: "KILL" });
  const told = types(incarnation).filter((type) => type !== "output.ended");
  expect(told).toEqual([
    "process.spawned",
    "process.kill_sent",
    "process.exited",
    "incarnation.emptied",
  ]);
});

it("ends gracefully one that is stopped by SIGSTOP", async () => {
  const incarnation = kit.spawn({ cmd: fixture("graceful") });
  await kit.line(incarnation, /up/);
  const { pid } = await kit.fact(incarnation, "process.spawned");
  kit.runner.signal({ stream: "service/web", incarnation, signal: "STOP" });
  await until("state T", () => readStat(pid)?.state === "T");
  expect(await stopped(incarnation)).toEqual({ code: 7 });
});

it("takes a shorter time from a second call, and no longer one", async () => {
  const incarnation = kit.spawn({ cmd: fixture("ignores-term") });
  await kit.line(incarnation, /up/);
  kit.stop(incarnation, 3_600_000);
  kit.stop(incarnation, 50);
  kit.stop(incarnation, 3_600_000);
  await kit.fact(incarnation, "incarnation.emptied");
  expect(types(incarnation).filter((type) => type === "process.kill_sent")).toHaveLength(1);
});

it("spawns nothing for one that is stopped before its turn", async () => {
  const incarnation = kit.spawn({ cmd: fixture("forever") });
  kit.stop(incarnation);
  await kit.fact(incarnation, "incarnation.emptied");
  await kit.fact(kit.spawn({ cmd: fixture("exits") }), "output.ended");
  expect(types(incarnation)).toEqual(["incarnation.emptied"]);
});

it("ends one that is stopped as soon as it is spawned", async () => {
  const incarnation = kit.spawn({ cmd: fixture("forever") });
  await kit.fact(incarnation, "process.spawned");
  kit.stop(incarnation);
  await kit.fact(incarnation, "incarnation.emptied");
  expect((await kit.fact(incarnation, "process.exited")).status).toEqual({ signal: "TERM" });
});

const escapes: [string, string][] = [
  ["by its mark, in a session of its own", `exec ${fixture("escapes")}`],
  [
    "by its FIFO, without its environment",
    "setsid sh -c 'env -i sleep 1000 & echo escapee $!'; while :; do sleep 1000; done",
  ],
  [
    "by its parent, without environment, FIFO and session",
    "setsid sh -c 'echo escapee $$; exec env -i sleep 1000 >/dev/null 2>&1' & while :; do sleep 1000; done",
  ],
  [
    "by its session's leader, without environment, FIFO and parent",
    "setsid sh -c '(env -i sleep 1000 >/dev/null 2>&1 & echo escapee $!); while :; do sleep 1000; done' & while :; do sleep 1000; done",
  ],
  [
    "by the main process's session, without environment, FIFO, parent and group",
    "set -m; (env -i sleep 1000 >/dev/null 2>&1 & echo escapee $!); while :; do sleep 1000; done",
  ],
];

it.each(escapes)("ends an escapee that is proven %s", async (_, script) => {
  const incarnation = sh(script);
  const escapee = Number((await kit.line(incarnation, /escapee (\d+)/))[1]);
  await until("its program to run", () => readStat(escapee) !== undefined);
  await stopped(incarnation);
  expect(runs(escapee)).toBe(false);
});

it("ends by what it carries an incarnation that it does not know, and nobody else", async () => {
  const carrying = (mark: string) =>
    spawn("sleep", ["1000"], { env: { SPRITE_ENV_INCARNATION: mark } });
  const [its, another] = [carrying("in_unknown"), carrying("in_unknown_too")];
  await Promise.all([once(its, "spawn"), once(another, "spawn")]);
  const ended = once(its, "exit");
  kit.stop("in_unknown");
  await kit.fact("in_unknown", "incarnation.emptied");
  expect((await ended)[1]).toBe("SIGKILL");
  expect(runs(another.pid ?? 0)).toBe(true);
  another.kill("SIGKILL");
});

it("says that one is empty of which nothing can be found", async () => {
  kit.runner.empty({ stream: "service/web", incarnation: "in_nothing" });
  await kit.fact("in_nothing", "incarnation.emptied");
  expect(types("in_nothing")).toEqual(["incarnation.emptied"]);
});

it("ends many at once", async () => {
  const lives = Array.from({ length: 20 }, () => kit.spawn({ cmd: fixture("escapes") }));
  const escapees = await Promise.all(
    lives.map(async (life) => Number((await kit.line(life, /escapee (\d+)/))[1])),
  );
  await Promise.all(lives.map((life) => stopped(life)));
  expect(escapees.filter(runs)).toEqual([]);
});
