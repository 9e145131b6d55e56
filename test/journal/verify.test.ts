import { describe, expect, it, onTestFinished } from "vitest";
import { openForReading } from "../../src/journal/database.ts";
import { openReader } from "../../src/journal/read.ts";
import { GENESIS } from "../../src/journal/record.ts";
import { stateDigest } from "../../src/journal/state-text.ts";
import { verifyLog, type VerifyOptions } from "../../src/journal/verify.ts";
import {
  bareDatabase,
  draft,
  forgersDatabase,
  group,
  groups,
  logOf,
  temporaryDirectory,
  writerOn,
} from "./fixture.ts";

function verified(stateDirectory: string, options?: VerifyOptions) {
  const db = openForReading(stateDirectory);
  onTestFinished(() => void db.close());
  return verifyLog(db, options);
}

function headOf(stateDirectory: string): string {
  const reader = openReader(stateDirectory);
  onTestFinished(() => reader.close());
  return reader.head().hash;
}

describe("verifying the log", () => {
  it("passes what was written, whatever is in it", async () => {
    const stateDirectory = temporaryDirectory();
    const odd = { text: 'zero \u0000, "quotes", 🙂, \ud800 alone', number: 1e300, tiny: -0 };
    await writerOn(stateDirectory).append([
      group(draft({ version: 1, data: odd, fromState: null, incarnation: null })),
      group(draft({ version: 1, stream: "service/db", actor: "token:a'b", cause: "" })),
    ]);

    expect(verified(stateDirectory)).toMatchObject({
      ok: true,
      rows: 2,
      first: 1,
      head: { seq: 2 },
    });
  });

  it("passes an empty log", async () => {
    expect(verified(await logOf(0))).toEqual({
      ok: true,
      rows: 0,
      first: 1,
      head: { seq: 0, hash: GENESIS },
    });
  });

  const alterations: [string, string][] = [
    ["id", "'ev_forged'"],
    ["stream", "'service/db'"],
    ["version", "9"],
    ["type", "'process.lost'"],
    ["schema", "2"],
    ["data", "replace(data, '1', '2')"],
    ["data", "data || ' '"],
    ["data", "replace(data, ':', ': ')"],
    ["data", "data || char(0)"],
    ["at", "at + 1"],
    ["wall", "wall - 1"],
    ["boot_id", "'bt_2'"],
    ["incarnation", "NULL"],
    ["incarnation", "''"],
    ["cause", "''"],
    ["cause", "'ev_1'"],
    ["correlation", "correlation || ' '"],
    ["actor", "'uid:0'"],
    ["from_state", "NULL"],
    ["from_state", "'stopped'"],
    ["to_state", "'running'"],
    ["prev_hash", "hash"],
    ["hash", "prev_hash"],
    ["hash", "upper(hash)"],
  ];

  it.each(alterations)("names the row when its %s becomes %s", async (column, value) => {
    const stateDirectory = await logOf(5);
    forgersDatabase(stateDirectory).exec(`UPDATE events SET ${column} = ${value} WHERE seq = 3`);

    expect(verified(stateDirectory)).toMatchObject({
      ok: false,
      seq: 3,
      rows: 2,
      message: expect.stringContaining("3"),
    });
  });

  it("covers every column of the table", async () => {
    const db = bareDatabase(await logOf(1));
    const columns = db
      .prepare<[], string>("SELECT name FROM pragma_table_info('events')")
      .pluck()
      .all();

    expect(new Set(["seq", ...alterations.map(([column]) => column)])).toEqual(new Set(columns));
  });

  it.each([
    ["a row in the middle", "DELETE FROM events WHERE seq = 3", 3, "row 3 is missing"],
    ["several rows", "DELETE FROM events WHERE seq IN (2, 3)", 2, "rows 2 to 3 are missing"],
    ["the first row", "DELETE FROM events WHERE seq = 1", 1, "row 1 is missing"],
    ["the last rows", "DELETE FROM events WHERE seq > 3", 4, "cut off: rows 4 to 5 are missing"],
    ["all rows", "DELETE FROM events", 1, "cut off: rows 1 to 5 are missing"],
    ["the note of the end", "DELETE FROM log_head", 5, "note of the log's end is gone"],
  ])("finds that %s is gone", async (_, sql, seq, message) => {
    const stateDirectory = await logOf(5);
    forgersDatabase(stateDirectory).exec(sql);

    expect(verified(stateDirectory)).toMatchObject({
      ok: false,
      seq,
      message: expect.stringContaining(message),
    });
  });

  it("finds a row that changed its place", async () => {
    const stateDirectory = await logOf(5);
    forgersDatabase(stateDirectory).exec("UPDATE events SET seq = 9 WHERE seq = 4");

    expect(verified(stateDirectory)).toMatchObject({
      ok: false,
      seq: 4,
      message: "row 4 is missing",
    });
  });

  it("finds two rows that changed places", async () => {
    const stateDirectory = await logOf(5);
    const db = forgersDatabase(stateDirectory);
    db.exec("UPDATE events SET seq = -seq WHERE seq IN (2, 3)");
    db.exec("UPDATE events SET seq = CASE seq WHEN -2 THEN 3 ELSE 2 END WHERE seq < 0");

    expect(verified(stateDirectory)).toMatchObject({ ok: false, seq: 2 });
  });

  it("finds a row that was put at the end by hand", async () => {
    const stateDirectory = await logOf(2);
    bareDatabase(stateDirectory).exec(
      `INSERT INTO events SELECT 3, 'x', stream, 3, type, schema, data, at, wall, boot_id, incarnation, cause, correlation,
         actor, from_state, to_state, hash, hash FROM events WHERE seq = 2`,
    );

    expect(verified(stateDirectory)).toMatchObject({ ok: false, seq: 3 });
  });

  it("finds a whole other log by a hash that was noted", async () => {
    const grown = await logOf(3);
    const hash = headOf(grown);
    await writerOn(grown).append(groups(2, 4));
    const other = temporaryDirectory();
    await writerOn(other).append([group(draft({ version: 1, at: 5 })), ...groups(4, 2)]);

    expect(verified(grown, { head: hash })).toMatchObject({ ok: true });
    expect(verified(other)).toMatchObject({ ok: true });
    expect(verified(other, { head: hash })).toMatchObject({
      ok: false,
      message: expect.stringContaining(hash),
    });
  });

  it("begins at the anchor when retention has cut", async () => {
    const stateDirectory = await logOf(5);
    const db = bareDatabase(stateDirectory);
    db.exec(`
      INSERT INTO anchors SELECT seq, hash, at, 0 FROM events WHERE seq = 3;
      INSERT INTO anchor_states (anchor, stream, version, schema, state) VALUES (3, 'service/web', 3, 1, '{}');
      DELETE FROM events WHERE seq <= 3`);
    const hash = db.prepare<[], string>("SELECT hash FROM anchors").pluck().get() ?? "";
    const state = { stream: "service/web", version: 3, schema: 1, state: "{}" };
    db.prepare("UPDATE anchor_states SET digest = ?").run(stateDigest(hash, state));

    expect(verified(stateDirectory, { head: hash })).toMatchObject({ ok: true, rows: 2, first: 4 });
    forgersDatabase(stateDirectory).exec("DELETE FROM events WHERE seq = 4");
    expect(verified(stateDirectory)).toMatchObject({ ok: false, seq: 4 });
  });

  it("tells how far it is, and walks logs longer than its step", async () => {
    const stateDirectory = await logOf(2_500);
    const told: number[] = [];

    expect(verified(stateDirectory, { onProgress: (rows) => told.push(rows) })).toMatchObject({
      ok: true,
      rows: 2_500,
    });
    expect(told).toEqual([1_000, 2_000]);
  });

  it("takes a row appended meanwhile for what it is", async () => {
    const stateDirectory = await logOf(1_000);
    const writer = writerOn(stateDirectory);
    const db = openForReading(stateDirectory);
    onTestFinished(() => void db.close());
    let appended: unknown;

    const result = verifyLog(db, {
      onProgress: () => void (appended ??= writer.append(groups(3, 1_001))),
    });
    await appended;

    expect(result).toMatchObject({ ok: true, rows: 1_003 });
  });
});
