import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { databaseFile } from "../../src/journal/database.ts";
import type { World } from "../support/world.ts";
import { ask, json, show } from "./asking.ts";
import { bootedWorld, diskLog, temporaryDirectory } from "./fixture.ts";
import { forge, forgeWell, tamper } from "./forger.ts";

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

describe("audit", () => {
  it("prints what it found of a whole log, and exits 0", async () => {
    const { code, stdout } = await ask(stateDirectory, "audit", "verify");
    const last = world.rows.at(-1);

    expect(code).toBe(0);
    expect(json(stdout)).toEqual({
      ok: true,
      events: world.rows.length,
      first: 1,
      seq: last?.seq,
      hash: last?.hash,
    });
  });

  it("says it in sentences on a terminal", async () => {
    const { stdout } = await show(stateDirectory, "audit", "verify");
    const last = world.rows.at(-1);

    expect(stdout).toContain(`${last?.seq} events, 1 to ${last?.seq}: none altered, none missing.`);
    expect(stdout).toContain(`head: ${last?.seq} ${last?.hash}`);
    expect(stdout).toContain(`no daemon answers; read from ${databaseFile(stateDirectory)}`);
  });

  it("exits 1 and names the row that was altered", async () => {
    forge(stateDirectory, VICTIM, "wall = wall + 1");

    const { code, stdout, stderr } = await ask(stateDirectory, "audit", "verify");

    expect(code).toBe(1);
    expect(json(stdout)).toMatchObject({ ok: false, seq: VICTIM });
    expect(stderr).toMatch(/^sprite-env: row 7 was altered: its columns do not give its hash\./);
  });

  it("exits 1 where a head kept elsewhere is not in the log", async () => {
    const { stdout: head } = await ask(stateDirectory, "audit", "head");
    forgeWell(stateDirectory, VICTIM, "actor = 'uid:7'");

    expect((await ask(stateDirectory, "audit", "verify")).code).toBe(0);
    expect((await ask(stateDirectory, "audit", "verify", "--head", head)).code).toBe(1);
  });
});

describe("replay", () => {
  it("exits 1 and names the row, its service and both edges", async () => {
    forgeWell(stateDirectory, VICTIM, "to_state = 'failed'");

    const { code, stdout, stderr } = await ask(stateDirectory, "replay", "--check");

    expect(code).toBe(1);
    expect(json(stdout)).toMatchObject({
      ok: false,
      mismatches: [{ seq: VICTIM, service: "web", folded: { from: "running", to: "crashed" } }],
    });
    expect(stderr).toContain(
      "event 7 of service/web (process.exited): recorded is running → failed, and its machine gives running → crashed",
    );
  });

  it("exits 0 for a log as it was written, and says so", async () => {
    const { code, stdout } = await show(stateDirectory, "replay", "--check");

    expect(code).toBe(0);
    expect(stdout).toContain("The table of services says the same.");
  });

  it("shows the services of a log", async () => {
    const { stdout } = await ask(stateDirectory, "replay");

    expect(json(stdout)).toEqual([
      expect.objectContaining({ name: "web", phase: "running", restart_count: 1 }),
    ]);
  });

  it("exits 1 for a row whose data is no JSON, and says what names it", async () => {
    tamper(stateDirectory, `UPDATE events SET data = '{' WHERE seq = ${VICTIM}`);

    const { code, stderr } = await ask(stateDirectory, "replay", "--check");

    expect([code, stderr]).toEqual([1, expect.stringContaining("sprite-env audit verify")]);
  });
});

describe("why", () => {
  it("tells people the answer, its chain with sequence numbers, and the last lines", async () => {
    const logDir = temporaryDirectory();
    writeFileSync(join(logDir, "web.log"), "2026-06-02T17:11:17.821Z [stderr] cannot bind\n");
    const rows = world.rows.filter(({ type }) => type !== "output.ended");
    const versions = rows.map((row, index) => ({
      ...row,
      version: rows.slice(0, index + 1).filter(({ stream }) => stream === row.stream).length,
    }));
    stateDirectory = await diskLog(versions);

    const { code, stdout } = await show(stateDirectory, "why", "web", "--log-dir", logDir);

    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^web runs since 1970-01-01T00:16:40.200Z \(.*\), as process 102\.\r?$/m,
    );
    expect(stdout).toMatch(
      /event 7 {2,}1970-01-01T00:16:40.000Z {2}Its process 101 exited with code 3 after 0s, and nobody had asked for that\./,
    );
    expect(stdout).toContain("The last lines of life 1, which ended");
    expect(stdout).toContain("2026-06-02T17:11:17.821Z [stderr] cannot bind");
  });

  it("tells programs the same as a structure", async () => {
    const { stdout } = await ask(stateDirectory, "why", "web", "--log-dir", "/nonexistent");

    expect(json(stdout)).toMatchObject({
      service: "web",
      phase: "running",
      steps: [
        { seq: 7, type: "process.exited", actor: "runtime", to_state: "crashed" },
        { seq: 7, text: expect.stringContaining("the first failure") },
        { type: "timer.fired" },
        { type: "process.spawn_requested" },
        { type: "process.spawned", text: "it runs as process 102" },
      ],
      last_lines: { life: 1, pid: 101, lines: [], problem: expect.stringContaining("--log-dir") },
    });
  });

  it("exits 3 for a service that never was", async () => {
    const { code, stderr } = await ask(stateDirectory, "why", "wep");

    expect(code).toBe(3);
    expect(stderr).toBe(
      'sprite-env: no service named "wep" is in the event log: did you mean web?\n',
    );
  });
});

describe("history", () => {
  it("is a table of lives and wishes on a terminal, newest last", async () => {
    const { stdout } = await show(stateDirectory, "history", "web");
    const lines = stdout.split(/\r?\n/).filter((line) => /^\d/.test(line));

    expect(lines.map((line) => line.replaceAll(/ {2,}/g, " | "))).toEqual([
      "4 | 1970-01-01T00:16:40.000Z | uid 0 created web",
      "5 | 1970-01-01T00:16:40.000Z | life 1 | 101 | 0s | exited with code 3 (event 7) | uid 0 created web (event 4)",
      expect.stringMatching(
        /^\d+ \| 1970-01-01T00:16:40.200Z \| life 2 \| 102 \| the first failure, tried again in 200ms \(event 7\)$/,
      ),
    ]);
  });

  it("is JSON when piped", async () => {
    const { stdout } = await ask(stateDirectory, "history", "web", "--limit", "1");

    expect(json(stdout)).toMatchObject({
      service: "web",
      earlier_lives: 1,
      lives: [{ life: 2, pid: 102, start: "1970-01-01T00:16:40.200Z" }],
    });
  });
});

describe("events", () => {
  it("are one JSON object a line when piped, and all of them", async () => {
    const { stdout } = await ask(stateDirectory, "events");
    const rows = stdout.trimEnd().split("\n").map(json);

    expect(rows).toHaveLength(world.rows.length);
    expect(rows[VICTIM - 1]).toMatchObject({
      seq: VICTIM,
      from_state: "running",
      data: { status: { code: 3 } },
    });
  });

  it("are a table on a terminal, with the telling data in words", async () => {
    const { stdout } = await show(stateDirectory, "events", "--from", "7", "--limit", "1");

    expect(stdout).toMatch(
      /\n7 +1970-01-01T00:16:40.000Z +service\/web +process.exited +running → crashed +runtime +exited with code 3\r?\n/,
    );
  });

  it("show altered data as it stands", async () => {
    tamper(stateDirectory, `UPDATE events SET data = '{"status":null}' WHERE seq = ${VICTIM}`);

    const { code, stdout } = await show(stateDirectory, "events", "--from", "7", "--limit", "1");

    expect([code, stdout]).toEqual([0, expect.stringContaining('{"status":null}')]);
  });

  it("cannot be followed where no daemon answers, and that is said after those of the past", async () => {
    const { code, stdout, stderr } = await ask(
      stateDirectory,
      "events",
      "--follow",
      "--limit",
      "2",
    );

    expect(code).toBe(7);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/^sprite-env: no daemon answers; tried .*nobody\.sock/);
  });

  it("refuse a type that no event has", async () => {
    const { code, stderr } = await ask(stateDirectory, "events", "--type", "process.exit");

    expect(code).toBe(2);
    expect(stderr).toContain('no event has the type "process.exit": did you mean process.exited?');
  });
});
