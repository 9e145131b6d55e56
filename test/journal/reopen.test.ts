import { chmodSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { openReader } from "../../src/journal/read.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { groups, temporaryDirectory, writerOn } from "./fixture.ts";

/** What SQLite says when an fsync failed, thrown once from within a transaction; `before` can do what the disk did. */
function ioErrorOnce(before: (db: Db) => void = () => {}) {
  let armed = false;
  const hook = (db: Db) => (): void => {
    if (!armed) return;
    armed = false;
    before(db);
    throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
  };
  return { hook, arm: () => void (armed = true) };
}

const commit = (db: Db): void => void db.exec("COMMIT");

function headOf(stateDirectory: string): number {
  const reader = openReader(stateDirectory);
  const { seq } = reader.head();
  reader.close();
  return seq;
}

describe("after an I/O error", () => {
  it("a batch that the reopened file lacks has failed, and the next one is taken", async () => {
    const stateDirectory = temporaryDirectory();
    const { hook, arm } = ioErrorOnce();
    const writer = writerOn(stateDirectory, { hook });
    await writer.append(groups(2));
    arm();

    expect(await writer.append(groups(1, 3))).toEqual({
      outcome: "failed",
      message: "disk I/O error",
    });

    expect(await writer.append(groups(1, 3))).toMatchObject({ outcome: "committed", firstSeq: 3 });
    expect(headOf(stateDirectory)).toBe(3);
  });

  it("a batch that the reopened file holds is committed", async () => {
    const stateDirectory = temporaryDirectory();
    const { hook, arm } = ioErrorOnce(commit);
    const writer = writerOn(stateDirectory, { hook });
    await writer.append(groups(2));
    arm();

    const result = await writer.append(groups(2, 3));

    const reader = openReader(stateDirectory);
    const hashes = [3, 4].map((seq) => reader.bySeq(seq)?.hash);
    reader.close();
    expect(result).toEqual({ outcome: "committed", firstSeq: 3, head: hashes[1], hashes });
    expect(await writer.append(groups(1, 5))).toMatchObject({ outcome: "committed", firstSeq: 5 });
  });

  it("nothing is stored until the file can be opened and proven", async () => {
    const stateDirectory = temporaryDirectory();
    const { hook, arm } = ioErrorOnce(() => chmodSync(stateDirectory, 0o777));
    const writer = writerOn(stateDirectory, { hook, patienceMs: 50 });
    await writer.append(groups(1));
    arm();

    const refused = { outcome: "failed", message: expect.stringContaining("chmod go-w") };
    expect(await writer.append(groups(1, 2))).toMatchObject(refused);
    expect(await writer.append(groups(1, 2))).toMatchObject(refused);
    await expect(writer.settleKey("k", "a", 200, "")).rejects.toMatchObject({
      code: "storage_foreign",
    });

    chmodSync(stateDirectory, 0o700);
    expect(await writer.append(groups(1, 2))).toMatchObject({ outcome: "committed", firstSeq: 2 });
  });

  it("a file that cannot be proven because somebody reads it counts for nothing", async () => {
    const stateDirectory = temporaryDirectory();
    const { hook, arm } = ioErrorOnce(commit);
    const writer = writerOn(stateDirectory, { hook, patienceMs: 0 });
    await writer.append(groups(1));
    const other = new Database(`${stateDirectory}/events.db`);
    const reading = other.prepare("SELECT * FROM events").iterate();
    reading.next();
    arm();

    const result = await writer.append(groups(1, 2));

    reading.return?.();
    other.close();
    expect(result).toMatchObject({
      outcome: "failed",
      message: expect.stringContaining("is being read"),
    });
  }, 20_000);

  it("a batch that was reported as failed and is found stored ends writing until the next start", async () => {
    const stateDirectory = temporaryDirectory();
    const { hook, arm } = ioErrorOnce((db) => {
      commit(db);
      chmodSync(stateDirectory, 0o777);
    });
    const writer = writerOn(stateDirectory, { hook, patienceMs: 50 });
    await writer.append(groups(1));
    arm();
    expect(await writer.append(groups(1, 2))).toMatchObject({ outcome: "failed" });
    chmodSync(stateDirectory, 0o700);

    const ended = { outcome: "failed", message: expect.stringContaining("start the daemon again") };
    expect(await writer.append(groups(1, 2))).toEqual(ended);
    expect(await writer.append(groups(1, 3))).toEqual(ended);

    await writer.close();
    expect(await writerOn(stateDirectory).append(groups(1, 3))).toMatchObject({
      outcome: "committed",
      firstSeq: 3,
    });
  });
});
