import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import {
  cli,
  cliOnTerminal,
  COMPLETE,
  fakeDaemon,
  WEB,
  type Answer,
  type FakeDaemon,
} from "./harness.ts";

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.close();
  daemon = undefined;
});

const NAMES = ["db", "app", "page", "lone"];
const SERVICES = [
  { ...WEB, name: "db" },
  { ...WEB, name: "app", needs: ["db"] },
  { ...WEB, name: "page", needs: ["app"] },
  { ...WEB, name: "lone" },
];

/** A daemon that notes when each service's command begins and ends; each takes `ms`. */
async function slowDaemon(verb: string, ms: number): Promise<{ socket: string; notes: string[] }> {
  const notes: string[] = [];
  const answer =
    (name: string): Answer =>
    (_request, response: ServerResponse) => {
      notes.push(`${name} begins`);
      response.flushHeaders();
      setTimeout(() => {
        notes.push(`${name} ends`);
        response.end(COMPLETE);
      }, ms);
      return response;
    };
  daemon = await fakeDaemon({
    "GET /v1/services": () => SERVICES,
    ...Object.fromEntries(
      NAMES.flatMap((name) => [
        [`POST /v1/services/${name}/${verb}`, answer(name)],
        [`GET /v1/services/${name}`, () => ({ ...WEB, name, stop_timeout: "30s" })],
      ]),
    ),
  });
  return { socket: daemon.socket, notes };
}

const before = (notes: readonly string[], first: string, second: string): boolean =>
  notes.indexOf(first) < notes.indexOf(second);

describe("several services at once", () => {
  it("stop: each only after what needs it has ended, also over one that is not named; the rest at the same time", async () => {
    const { socket, notes } = await slowDaemon("stop", 150);

    expect((await cli(["services", "stop", "db", "page", "lone"], { socket })).code).toBe(0);

    expect(before(notes, "page ends", "db begins")).toBe(true);
    expect(before(notes, "lone begins", "page ends")).toBe(true);
  });

  it("restart: each only after what it needs", async () => {
    const { socket, notes } = await slowDaemon("restart", 100);

    await cli(["services", "restart", "page", "app", "db", "lone"], { socket });

    expect(before(notes, "db ends", "app begins")).toBe(true);
    expect(before(notes, "app ends", "page begins")).toBe(true);
    expect(before(notes, "lone begins", "db ends")).toBe(true);
  });

  it("start: all at the same time, since the daemon knows what waits for what", async () => {
    const { socket, notes } = await slowDaemon("start", 150);

    await cli(["services", "start", "db", "app", "page"], { socket });

    expect(notes.slice(0, 3).every((note) => note.endsWith("begins"))).toBe(true);
  });

  it("each line carries the name of its service, before the time", async () => {
    const { socket } = await slowDaemon("stop", 0);

    const { stdout } = await cli(["services", "stop", "db", "lone"], { socket });

    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name).toSorted()).toEqual([
      "db",
      "lone",
    ]);
    expect(lines[0]).toMatch(/,"name":"\w+","timestamp":\d+\}$/);
  });

  it("signal: the last word is the signal, those before it are services", async () => {
    daemon = await fakeDaemon({ "POST /v1/services/signal": () => undefined });

    const { code } = await cli(["services", "signal", "a", "b", "HUP"], { socket: daemon.socket });

    expect(code).toBe(0);
    const bodies = daemon.seen.map(({ body }) => JSON.parse(body) as object);
    expect(bodies).toEqual(
      expect.arrayContaining([
        { name: "a", signal: "HUP" },
        { name: "b", signal: "HUP" },
      ]),
    );
  });

  it("signal without a signal says which word is missing", async () => {
    const { code, stderr } = await cli(["services", "signal", "web"]);

    expect(code).toBe(2);
    expect(stderr).toContain("SIGNAL is missing");
  });
});

describe("what takes its time", () => {
  it("is told on a terminal after a second, with the time until KILL as the service has it", async () => {
    const { socket } = await slowDaemon("stop", 2_300);

    const { stdout } = await cliOnTerminal(["services", "stop", "db"], {
      socket,
      env: { TERM: "xterm", NO_COLOR: "1" },
    });

    expect(stdout).toContain("stopping db … 1 s");
    expect(stdout).toContain("stopping db … 2 s (28 s until KILL)");
    expect(stdout.endsWith("\r\u001b[K"), "nothing of it stays").toBe(true);
  });

  it("is told with the time that was given on the command line", async () => {
    const { socket } = await slowDaemon("stop", 2_300);

    const { stdout } = await cliOnTerminal(["services", "stop", "db", "--timeout", "2s"], {
      socket,
      env: { TERM: "xterm", NO_COLOR: "1" },
    });

    expect(stdout).toContain("stopping db … 1 s (1 s until KILL)");
    expect(stdout).toContain("stopping db … 2 s (KILL was sent)");
  });

  it("is not told where nobody looks, or what is quick", async () => {
    const { socket } = await slowDaemon("stop", 1_500);
    const piped = await cli(["services", "stop", "db"], { socket });
    await daemon?.close();
    const quick = await slowDaemon("stop", 0);
    const seen = await cliOnTerminal(["services", "stop", "db"], { socket: quick.socket });

    expect(piped.stderr).toBe("");
    expect(seen.stdout).not.toContain("stopping");
  });
});
