import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { databaseFile, openForReading, openForWriting } from "../../src/journal/database.ts";
import { groups, logOf, temporaryDirectory, writerOn } from "./fixture.ts";

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const isRoot = process.getuid?.() === 0;

const refusal = (code: string, ...words: string[]) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(
      new RegExp(
        words.map((word) => word.replaceAll(/[.*+?^$()|[\]{}\\]/g, String.raw`\$&`)).join(".*"),
        "s",
      ),
    ),
  });

function opened(stateDirectory: string) {
  const db = openForWriting(stateDirectory);
  onTestFinished(() => void db.close());
  return db;
}

describe("opening the log", () => {
  it("makes a missing state directory for us alone, and files that only we can read", () => {
    const stateDirectory = join(temporaryDirectory(), "deep", "state");

    opened(stateDirectory);

    expect(modeOf(stateDirectory)).toBe("700");
    const files = readdirSync(stateDirectory);
    expect(files.toSorted()).toEqual(["events.db", "events.db-shm", "events.db-wal"]);
    for (const file of files) expect(modeOf(join(stateDirectory, file))).toBe("600");
  });

  it("takes back a database's permissions from others", async () => {
    const stateDirectory = await logOf(1);
    chmodSync(databaseFile(stateDirectory), 0o644);

    opened(stateDirectory);

    expect(modeOf(databaseFile(stateDirectory))).toBe("600");
  });

  it("syncs every commit", () => {
    const db = opened(temporaryDirectory());

    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(db.pragma("synchronous", { simple: true })).toBe(2);
    expect(db.pragma("foreign_keys", { simple: true })).toBe(1);
  });

  it.each([0o777, 0o770, 0o702])("refuses a directory of mode %o, and names the chmod", (mode) => {
    const stateDirectory = join(temporaryDirectory(), "it's state");
    mkdirSync(stateDirectory);
    chmodSync(stateDirectory, mode);

    expect(() => openForWriting(stateDirectory)).toThrow(
      refusal("storage_foreign", stateDirectory, "chmod go-w '", String.raw`it'\''s state'`),
    );
  });

  it("takes a directory that others can look into, as for the logs in it", () => {
    const stateDirectory = temporaryDirectory();
    chmodSync(stateDirectory, 0o755);

    expect(opened(stateDirectory).open).toBe(true);
  });

  it.runIf(isRoot)("refuses another user's directory and file, and names the chown", async () => {
    const directory = temporaryDirectory();
    chownSync(directory, 65_534, 65_534);
    const mine = await logOf(1);
    chownSync(databaseFile(mine), 65_534, 65_534);

    expect(() => openForWriting(directory)).toThrow(
      refusal("storage_foreign", "user 65534", `chown -R 0 ${directory}`),
    );
    expect(() => openForWriting(mine)).toThrow(
      refusal("storage_foreign", "events.db belongs to user 65534"),
    );
  });

  it("refuses a directory that is a file", () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");

    expect(() => openForWriting(file)).toThrow(refusal("storage_failed", file, "not a directory"));
    expect(() => openForWriting(join(file, "below"))).toThrow(
      refusal("storage_failed", "cannot be made"),
    );
  });

  it("refuses a file that is no database", () => {
    const stateDirectory = temporaryDirectory();
    writeFileSync(
      databaseFile(stateDirectory),
      "this is a text file, whatever its name says. ".repeat(50),
    );

    expect(() => openForWriting(stateDirectory)).toThrow(
      refusal("log_corrupt", "events.db is damaged", "restore a copy"),
    );
    expect(() => openForReading(stateDirectory)).toThrow(
      refusal("log_corrupt", "events.db is damaged"),
    );
  });

  it("says where there is nothing to read yet, and makes nothing", () => {
    const stateDirectory = temporaryDirectory();

    expect(() => openForReading(stateDirectory)).toThrow(
      refusal("not_found", stateDirectory, "no daemon has run"),
    );
    expect(readdirSync(stateDirectory)).toEqual([]);
  });

  it("brings the WAL to its size when there is nothing else to do, and keeps it there", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    const sizeOfWal = () => statSync(`${databaseFile(stateDirectory)}-wal`).size;
    expect(sizeOfWal()).toBeLessThan(1_000_000);

    vi.advanceTimersByTime(1_000);

    const filled = sizeOfWal();
    expect(filled).toBeGreaterThanOrEqual(4_000_000);
    await writer.append(groups(500));
    expect(sizeOfWal()).toBe(filled);
  });
});
