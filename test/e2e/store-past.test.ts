import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { rowHash } from "../../src/journal/record.ts";
import { COLUMNS, type StoredRow } from "../../src/journal/read.ts";
import { bootedSprite, fixture, type Sprite } from "../support/daemon.ts";
import { queryLog } from "../support/log-of.ts";
import { isLive } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** The database of a sprite whose daemon is gone, with no trigger in the way. */
function tamper(made: Sprite, change: (db: Database.Database) => void): void {
  const db = new Database(join(made.stateDir, "events.db"));
  const triggers = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .pluck();
  for (const name of triggers.all()) db.exec(`DROP TRIGGER ${name}`);
  change(db);
  db.close();
}

/** Events of a service that change nothing, so many. */
async function signals(made: Sprite, name: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const body = { name, signal: "CONT" };
    const { status } = await made.ask({ method: "POST", path: "/v1/services/signal", body });
    expect(status).toBe(204);
  }
}

const snapshotsOf = (made: Sprite, name: string): number =>
  queryLog(made.stateDir, (db) =>
    Number(
      db.prepare("SELECT count(*) FROM snapshots WHERE stream = ?").pluck().get(`service/${name}`),
    ),
  );

/** Changes the first row of a service that was not its birth to a state that it never led to. */
const spoilOldRow = (made: Sprite, name: string): void =>
  tamper(made, (db) =>
    db
      .prepare("UPDATE events SET to_state = 'failed' WHERE stream = ? AND version = 3")
      .run(`service/${name}`),
  );

describe("a boot", () => {
  it("goes on from snapshots after a SIGKILL, and does not read what is before them", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("forever") });
    await made.put("worker", { cmd: fixture("forever") });
    await signals(made, "web", 40);
    expect(snapshotsOf(made, "web")).toBeGreaterThan(0);
    await made.cli("services", "stop", "worker");
    await made.cutPower();
    spoilOldRow(made, "web");
    spoilOldRow(made, "worker");

    await made.boot();

    await made.untilRunning("web");
    expect((await made.state("web")).flags ?? []).not.toContain("quarantined");
    expect((await made.state("worker")).flags).toContain("quarantined"); // too short for a snapshot
    const check = await made.cli("replay", "--check");
    expect(check.code).toBe(1);
    expect(check.stderr).toMatch(/event \d+ of service\/web .*process\.spawned/);
  });

  it("passes over snapshots that were changed, says so, and loses nothing", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("forever"), args: ["one"] });
    await signals(made, "web", 70);
    const before = await made.get("web");
    await made.cutPower();
    tamper(made, (db) => db.exec("UPDATE snapshots SET state = replace(state, 'one', 'two')"));

    await made.boot();

    expect(made.daemon?.said()).toMatch(/a snapshot is passed over: it was altered or is torn/);
    await made.untilRunning("web");
    expect((await made.get("web")).args).toEqual(before.args);
    expect((await made.cli("replay", "--check")).code).toBe(0);
  });
});

/** Appends a row to a log as a release would that has another event. */
function appendStranger(db: Database.Database): void {
  const last = db
    .prepare<[], StoredRow>(`SELECT ${COLUMNS} FROM events ORDER BY seq DESC LIMIT 1`)
    .get();
  const web = db
    .prepare<[], StoredRow>(
      `SELECT ${COLUMNS} FROM events WHERE stream = 'service/web' ORDER BY seq DESC LIMIT 1`,
    )
    .get();
  if (!last || !web) throw new Error("an empty log");
  const row = {
    ...web,
    seq: last.seq + 1,
    id: "ev_stranger",
    version: web.version + 1,
    type: "process.teleported",
    data: "{}",
    prevHash: last.hash,
  };
  const hash = rowHash(row.prevHash, row, row.data);
  const { seq, id, stream, version, type, schema, data, at, wall, bootId, incarnation } = row;
  const { cause, correlation, actor, fromState, toState, prevHash } = row;
  const place = [seq, id, stream, version, type, schema, data, at, wall, bootId, incarnation];
  const values = [...place, cause, correlation, actor, fromState, toState, prevHash, hash];
  db.prepare(`INSERT INTO events VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  db.prepare("UPDATE log_head SET seq = ?, hash = ?").run(seq, hash);
}

describe("a log with an event of a newer release", () => {
  it("is read and not written: the daemon says why, answers, refuses wishes, and touches no service", async () => {
    const made = await bootedSprite();
    await made.put("web", { cmd: fixture("forever") });
    const { pid = 0 } = await made.state("web");
    await made.killDaemon();
    tamper(made, appendStranger);
    const rows = made.rows().length;

    const daemon = made.launch();
    await until("it answers", () =>
      made.ask({ path: "/healthz" }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );

    expect(daemon.said()).toMatch(/process\.teleported of a service.*a newer one wrote it/);
    const refused = await made.cli("services", "create", "other", "--cmd", "sleep");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("process.teleported");
    const body = { cmd: "sleep" };
    const answer = await made.ask({ method: "PUT", path: "/v1/services/other", body });
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      503,
      { error: "storage_newer" },
    ]);
    expect((await made.cli("services", "delete", "web")).code).toBe(1);
    expect((await made.cli("services", "list")).code).toBe(0);
    const events = await made.cli("events", "--json");
    expect(events.stdout).toContain("process.teleported");
    expect(made.rows()).toHaveLength(rows);
    expect(isLive(pid)).toBe(true);

    expect((await made.shutDown())?.code).toBe(0);
    expect(made.rows()).toHaveLength(rows);
    expect(isLive(pid)).toBe(true);
  });
});

it("retention cuts a live daemon's log, and everything goes on from there, over a kill too", async () => {
  const made = await bootedSprite({});
  await made.shutDown();
  const config = join(made.dir, "config.json");
  writeFileSync(config, JSON.stringify({ retention: { age: "2s", bytes: 1_000_000 } }));
  await made.boot({ flags: ["--config", config] });
  await made.put("web", { cmd: fixture("forever"), env: { TOKEN: "secret" } });
  await signals(made, "web", 40);
  await made.put("old", { cmd: fixture("forever") });
  await made.cli("services", "delete", "old");

  await until("the log is cut", () => /retention has cut/.test(made.daemon?.said() ?? ""), 40_000);
  await until("rows are gone", () => (made.rows()[0]?.seq ?? Infinity) > 1, 20_000);

  const gone = await made.cli("events", "--from", "1");
  expect(gone.code).toBe(3);
  expect(gone.stderr).toMatch(/events up to \d+ are gone.*ask again from event \d+ on/);
  const asked = await made.ask({ path: "/v1/events?from=1" });
  expect([asked.status, JSON.parse(asked.text)]).toMatchObject([410, { error: "events_gone" }]);
  for (const question of [
    ["events"],
    ["replay", "--check"],
    ["audit", "verify"],
    ["why", "web"],
    ["history", "web"],
  ])
    expect([question, (await made.cli(...question)).code]).toEqual([question, 0]);
  expect(await made.state("web")).toMatchObject({ status: "running" });

  await made.cutPower();
  await made.boot();
  await made.untilRunning("web");
  expect((await made.get("web")).env).toEqual({ TOKEN: "secret" });
  expect((await made.put("old", { cmd: fixture("forever") })).status).toBe(200);
  await made.untilRunning("old");
  expect((await made.cli("replay", "--check")).code).toBe(0);
  expect((await made.cli("audit", "verify")).code).toBe(0);
});

it("a service whose values cannot be opened, since the key is gone, has failed and names them", async () => {
  const made = await bootedSprite();
  await made.put("web", { cmd: fixture("forever"), env: { TOKEN: "one", OTHER: "two" } });
  await made.put("plain", { cmd: fixture("forever") });
  await made.cutPower();
  rmSync(join(made.stateDir, "env.key"));

  await made.boot();

  const state = await made.untilState("web", "has failed", ({ status }) => status === "failed");
  expect(state.error).toMatch(/TOKEN.*OTHER|OTHER.*TOKEN/);
  expect(state.error).toContain("env.key");
  await made.untilRunning("plain");
  const set = await made.put("web", { cmd: fixture("forever"), env: { TOKEN: "new" } });
  expect(set.text).toContain("env.key"); // a second key beside values of the first is refused, and it says why
});
