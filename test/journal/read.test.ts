import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { databaseFile, openForReading } from "../../src/journal/database.ts";
import type { EventReader } from "../../src/journal/event-reader.ts";
import { openReader } from "../../src/journal/read.ts";
import { bareDatabase, groups, logOf, temporaryDirectory, writerOn } from "./fixture.ts";
import { killed, startProgram } from "./processes.ts";
import { mountReadOnly } from "./mounts.ts";

function reading(stateDirectory: string): EventReader {
  const reader = openReader(stateDirectory);
  onTestFinished(() => reader.close());
  return reader;
}

/** A log whose last rows are in the WAL alone. */
async function logInWal(rows: number): Promise<string> {
  const live = await logOf(rows - 2);
  await writerOn(live).append(groups(2, rows - 1));
  const copy = temporaryDirectory();
  for (const suffix of ["", "-wal"])
    cpSync(databaseFile(live) + suffix, databaseFile(copy) + suffix);
  return copy;
}

describe("a reader", () => {
  it("sees what a writer in another process commits", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = startProgram("appending-process.ts", stateDirectory);
    await vi.waitFor(() => expect(writer.lines.length).toBeGreaterThan(0), { timeout: 20_000 });
    const reader = reading(stateDirectory);

    const before = Number(writer.lines.at(-1));
    expect(reader.head().seq).toBeGreaterThanOrEqual(before);
    await vi.waitFor(() => expect(reader.head().seq).toBeGreaterThan(before + 30), {
      timeout: 20_000,
    });
  });

  it("sees all of a log whose writer was killed", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = startProgram("appending-process.ts", stateDirectory);
    await vi.waitFor(() => expect(writer.lines.length).toBeGreaterThan(20), { timeout: 20_000 });
    await killed(writer);

    expect(reading(stateDirectory).head().seq).toBeGreaterThanOrEqual(Number(writer.lines.at(-1)));
  });

  it("sees a log whose writer ended well and left no WAL", async () => {
    const stateDirectory = await logOf(4);
    expect(readdirSync(stateDirectory)).toEqual(["events.db"]);

    expect(reading(stateDirectory).head().seq).toBe(4);
  });

  it("cannot write", async () => {
    const stateDirectory = await logOf(1);
    const db = openForReading(stateDirectory);
    onTestFinished(() => void db.close());

    expect(() => db.exec("DELETE FROM env_values")).toThrow("readonly");
  });

  it("does not keep the writer's WAL in use between questions", async () => {
    const stateDirectory = await logOf(3);
    const rows = reading(stateDirectory).all();
    for (const row of rows) {
      const [result] = bareDatabase(stateDirectory).pragma("wal_checkpoint(TRUNCATE)") as {
        busy: number;
      }[];
      expect([row.seq, result?.busy]).toEqual([row.seq, 0]);
    }
  });
});

describe("a reader of a log on a read-only disk", () => {
  it("reads a log that was closed well", async (context) => {
    const mounted = mountReadOnly(await logOf(4)) ?? context.skip("mounting is not allowed here");

    expect(reading(mounted).head().seq).toBe(4);
  });

  it("reads what only the WAL holds, and leaves no copy behind", async (context) => {
    const mounted =
      mountReadOnly(await logInWal(5)) ?? context.skip("mounting is not allowed here");
    const copies = temporaryDirectory();
    vi.stubEnv("TMPDIR", copies);
    onTestFinished(() => void vi.unstubAllEnvs());

    const reader = reading(mounted);

    expect(readdirSync(copies)).toEqual([]);
    expect(Array.from(reader.all(), ({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it("reads what only the WAL holds where its index was left too", async (context) => {
    const stateDirectory = await logInWal(5);
    reading(stateDirectory);
    expect(existsSync(`${databaseFile(stateDirectory)}-shm`)).toBe(true);
    const mounted = mountReadOnly(stateDirectory) ?? context.skip("mounting is not allowed here");

    expect(reading(mounted).head().seq).toBe(5);
  });

  it("is told apart from a directory that may not be looked into", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root to become another user");
    const stateDirectory = await logOf(1);
    chmodSync(stateDirectory, 0o700);
    const script = `import { openReader } from ${JSON.stringify(join(process.cwd(), "src/journal/read.ts"))};
      try { openReader(process.argv[1]); } catch (error) { console.log(error.code, error.message); }`;

    const said = execFileSync(
      "setpriv",
      [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        process.execPath,
        "--input-type=module",
        "-e",
        script,
        stateDirectory,
      ],
      { encoding: "utf8" },
    );

    expect(said).toMatch(/^storage_failed .*events\.db cannot be opened \(EACCES.*permissions/);
  });
});
