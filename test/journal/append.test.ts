import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AppendedRow } from "../../src/journal/append.ts";
import { databaseFile } from "../../src/journal/database.ts";
import { openReader } from "../../src/journal/read.ts";
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

describe("the append hook", () => {
  it("sees the rows of a batch with their place and their views, in the same transaction", async () => {
    const seen: (readonly AppendedRow[])[] = [];
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory, {
      hook: (db) => (rows) => {
        seen.push(rows);
        db.exec(
          "CREATE TABLE IF NOT EXISTS counted (n); INSERT INTO counted SELECT count(*) FROM events",
        );
      },
    });
    const viewed = { rows: [{ draft: draft({ version: 2 }), view: { phase: "crashed" } }] };

    const result = await writer.append([group(draft({ version: 1 })), viewed]);

    expect(seen).toHaveLength(1);
    expect(seen[0]?.map(({ row, view }) => [row.seq, row.hash, view])).toEqual([
      [1, result.outcome === "committed" && result.hashes[0], {}],
      [2, result.outcome === "committed" && result.hashes[1], { phase: "crashed" }],
    ]);
    expect(bareDatabase(stateDirectory).prepare("SELECT n FROM counted").pluck().all()).toEqual([
      2,
    ]);
  });

  it("undoes the batch when it throws", async () => {
    const stateDirectory = temporaryDirectory();
    let broken = true;
    const writer = writerOn(stateDirectory, {
      hook: () => () => {
        if (broken) throw new Error("a bug in the hook");
      },
    });

    expect(await writer.append(groups(1))).toEqual({
      outcome: "failed",
      message: "a bug in the hook",
    });
    broken = false;
    expect(await writer.append(groups(1))).toMatchObject({ outcome: "committed", firstSeq: 1 });
  });

  it("is not called for a batch without rows", async () => {
    const writer = writerOn(temporaryDirectory(), {
      hook: () => () => {
        throw new Error("called");
      },
    });

    expect(await writer.append([{ rows: [] }])).toMatchObject({ outcome: "committed" });
  });
});

describe("a writer", () => {
  it("goes on where the last one ended", async () => {
    const stateDirectory = await logOf(3);

    expect(await writerOn(stateDirectory).append(groups(1, 4))).toMatchObject({
      outcome: "committed",
      firstSeq: 4,
    });
  });

  it("leaves the whole log in one file when it closes, also beside a reader", async () => {
    const stateDirectory = await logOf(1);
    const writer = writerOn(stateDirectory);
    const reader = openReader(stateDirectory);
    await writer.append(groups(2, 2));
    const copy = temporaryDirectory();

    await writer.close();
    copyFileSync(databaseFile(stateDirectory), databaseFile(copy));
    reader.close();

    const copied = openReader(copy);
    expect(copied.head().seq).toBe(3);
    copied.close();
  });

  it("refuses a row that is not what it seems, and goes on", async () => {
    const writer = writerOn(temporaryDirectory());
    const half = draft({ version: 1, at: 0.5 });
    const nothing = draft({ version: 1, toState: null as unknown as string });

    for (const wrong of [half, nothing])
      expect(await writer.append([group(wrong)])).toMatchObject({ outcome: "refused", group: 0 });
    expect(await writer.append(groups(1))).toMatchObject({ outcome: "committed" });
  });

  it("does not open a log whose end was cut off, for it would use numbers twice", async () => {
    const stateDirectory = await logOf(5);
    forgersDatabase(stateDirectory).exec("DELETE FROM events WHERE seq > 3");

    expect(() => writerOn(stateDirectory)).toThrow(
      expect.objectContaining({
        code: "log_corrupt",
        message: expect.stringMatching(/ends at row 3.*up to row 5/),
      }),
    );
  });

  it("goes on from the anchor where retention took all rows", async () => {
    const stateDirectory = await logOf(3);
    const stranger = bareDatabase(stateDirectory);
    stranger.exec(`
      INSERT INTO anchors SELECT seq, hash, at, 0 FROM events WHERE seq = 3;
      INSERT INTO anchor_states (anchor, stream, version, schema, state) VALUES (3, 'service/web', 3, 1, '{}');
      DELETE FROM events`);
    const writer = writerOn(stateDirectory);

    expect(await writer.append(groups(1))).toMatchObject({ outcome: "refused" });
    expect(await writer.append(groups(1, 4))).toMatchObject({ outcome: "committed", firstSeq: 4 });
    expect(
      stranger
        .prepare("SELECT seq FROM events WHERE prev_hash = (SELECT hash FROM anchors)")
        .pluck()
        .all(),
    ).toEqual([4]);
    const reader = openReader(stateDirectory);
    expect(reader.firstSeq()).toBe(4);
    reader.close();
  });

  it("follows more streams than it remembers", async () => {
    const writer = writerOn(temporaryDirectory());
    const names = Array.from({ length: 10_500 }, (_, place) => `session/${place}`);
    await writer.append(names.map((stream) => group(draft({ version: 1, stream }))));

    const second = await writer.append(names.map((stream) => group(draft({ version: 2, stream }))));

    expect(second).toMatchObject({ outcome: "committed" });
    expect(await writer.append([group(draft({ version: 2, stream: "session/7" }))])).toMatchObject({
      outcome: "refused",
    });
  });
});
