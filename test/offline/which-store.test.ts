import { chmodSync, cpSync } from "node:fs";
import { dirname } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { databaseFile } from "../../src/journal/database.ts";
import { fakeDaemon, type FakeDaemon, type Ran, run, SOURCE } from "../cli/harness.ts";
import { mountReadOnly } from "../journal/mounts.ts";
import type { World } from "../support/world.ts";
import { ask, json } from "./asking.ts";
import { bootedWorld, diskLog, temporaryDirectory, writeLog } from "./fixture.ts";

/** The exit of `web`. */
const VICTIM = 7;

let world: World;
let stateDirectory: string;
beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web");
  await world.exits("web", { code: 3 });
  await world.pass(200);
  stateDirectory = await diskLog(world.rows);
});

describe("the store", () => {
  it("is read after its daemon was killed, with rows that are in the WAL alone", async () => {
    const live = temporaryDirectory();
    const writer = await writeLog(live, world.rows);
    const left = temporaryDirectory();
    for (const suffix of ["", "-wal"])
      cpSync(databaseFile(live) + suffix, databaseFile(left) + suffix);
    await writer.close();

    const { code, stdout } = await ask(left, "audit", "verify");

    expect([code, json(stdout)]).toEqual([0, expect.objectContaining({ seq: world.rows.length })]);
    expect((await ask(left, "replay", "--check")).code).toBe(0);
  });

  it("is read from a read-only copy", async (context) => {
    const copy = mountReadOnly(stateDirectory) ?? context.skip("mounting is not allowed here");

    for (const words of [["audit", "verify"], ["replay", "--check"], ["why", "web"], ["events"]])
      expect([words, (await ask(copy, ...words)).code]).toEqual([words, 0]);
  });

  it("is missed in a sentence that says what to do", async () => {
    const empty = temporaryDirectory();

    const { code, stderr } = await ask(empty, "events");

    expect(code).toBe(3);
    expect(stderr).toContain(`there is no event log in ${empty}`);
    expect(stderr).toContain("name its state directory with --state-dir");
  });
});

/** Runs a verb as a user who is nobody. */
const asNobody = (words: readonly string[], socket: string): Promise<Ran> =>
  run(
    "setpriv",
    ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, SOURCE, ...words],
    { socket },
  );

/** A daemon whose socket is open to others, and whose store is not. */
async function openDaemon(): Promise<FakeDaemon> {
  const { hash = "", seq = 0 } = world.rows.at(-1) ?? {};
  const row = { ...world.rows[VICTIM - 1], from_state: "running", to_state: "crashed" };
  const daemon = await fakeDaemon({
    "GET /v1/events/head": () => ({ seq, hash, state_dir: stateDirectory }),
    "GET /v1/events": () => `${JSON.stringify(row)}\n`,
  });
  onTestFinished(daemon.close);
  chmodSync(stateDirectory, 0o755);
  chmodSync(dirname(daemon.socket), 0o755);
  chmodSync(daemon.socket, 0o666);
  return daemon;
}

describe("who may not read the store", () => {
  it("is told whose it is", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root to become another user");
    const { socket } = await openDaemon();

    const { code, stderr } = await asNobody(["why", "web"], socket);

    expect(code).toBe(6);
    expect(stderr).toBe(
      `sprite-env: the event log in ${stateDirectory} may be read by its daemon's own user alone: run this as user 0\n`,
    );
  });

  it("gets events from the daemon", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root to become another user");
    const { socket, seen } = await openDaemon();

    const { code, stdout } = await asNobody(["events", "--limit", "3"], socket);

    expect(code).toBe(0);
    expect(json(stdout)).toMatchObject({ seq: VICTIM, to_state: "crashed" });
    expect(seen.at(-1)?.url).toBe(`/v1/events?from=${world.rows.length - 2}`);
  });
});

/** What a verb says while a daemon answers with this as the end of its log. */
const answered = async (end: object, words: readonly string[]): Promise<Ran> => {
  const daemon = await fakeDaemon({ "GET /v1/events/head": () => end });
  onTestFinished(daemon.close);
  return run(process.execPath, [SOURCE, ...words], { socket: daemon.socket });
};

/** The end of the log, as its own daemon tells it. */
const head = () => {
  const { seq, hash } = world.rows.at(-1) ?? {};
  return { seq, hash, state_dir: stateDirectory };
};

describe("the daemon that answers", () => {
  it("says where its store is, and its log where the logs are", async () => {
    const { code, stdout } = await answered(head(), ["why", "web"]);

    expect(code).toBe(0);
    expect(json(stdout)).toMatchObject({ last_lines: { log_file: "/logs/web.log" } });
    expect(stdout).not.toContain("No daemon answers");
  });

  it("is not taken for the one of another log", async () => {
    const other = { ...head(), hash: "0".repeat(64) };

    const { code, stderr } = await answered(other, ["why", "web"]);

    expect(code).toBe(3);
    expect(stderr).toContain(`has another event log than ${databaseFile(stateDirectory)}`);
  });

  it("counts for nothing where another state directory is named", async () => {
    const other = { seq: 1, hash: "0".repeat(64), state_dir: "/elsewhere" };

    const { code, stdout } = await answered(other, ["why", "web", "--state-dir", stateDirectory]);

    expect(code).toBe(0);
    expect(stdout).toContain("No daemon answers");
  });
});

describe("a daemon that does not answer any more", () => {
  /** A verb with nothing but the socket of the daemon; the usual place has another log. */
  const bySocket = async (socket: string): Promise<Ran> => {
    const usual = temporaryDirectory();
    await writeLog(`${usual}/.sprite`, (await bootedWorld()).rows).then((writer) => writer.close());
    return run(process.execPath, [SOURCE, "why", "web"], {
      socket,
      env: { SPRITE_WRITE_DIR: usual },
    });
  };

  it.each(["api.sock", "run/api.sock"])(
    "is known by its socket %s: its own log is read",
    async (name) => {
      const { code, stdout } = await bySocket(`${stateDirectory}/${name}`);

      expect(code).toBe(0);
      expect(json(stdout)).toMatchObject({ service: "web" });
    },
  );

  it("is not taken for the one of the usual place, where its socket lies elsewhere", async () => {
    const socket = `${temporaryDirectory()}/api.sock`;
    const { code, stderr } = await bySocket(socket);

    expect(code).toBe(3);
    expect(stderr).toContain(`no daemon answers on ${socket}`);
    expect(stderr).toContain("--state-dir");
  });
});
