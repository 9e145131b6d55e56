import { readdirSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { openForReading, openForWriting } from "../../src/journal/database.ts";
import { migrate, migrationsOf, ourMigrations } from "../../src/journal/migrate.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { bareDatabase, logOf } from "./fixture.ts";

const shipped = ourMigrations();

function database(): Db {
  const db = new Database(":memory:");
  onTestFinished(() => void db.close());
  return db;
}

/** All that makes two databases the same but for their rows. */
const shapeOf = (db: Db) => [
  db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").all(),
  db.prepare("SELECT name, sha256 FROM migrations ORDER BY name").all(),
];

describe("migrations", () => {
  it("are the files of migrations/, in order", () => {
    expect(shipped.map(({ name }) => name)).toEqual(readdirSync("migrations").toSorted());
    expect(shipped.length).toBeGreaterThanOrEqual(4);
  });

  it.each(shipped.slice(0, -1).map(({ name }, place) => [name, place + 1]))(
    "make a database that ended with %s equal to a fresh one",
    (_, count) => {
      const old = database();
      migrate(old, shipped.slice(0, count), 1);
      const fresh = database();
      migrate(fresh, shipped, 2);

      migrate(old, shipped, 3);

      expect(shapeOf(old)).toEqual(shapeOf(fresh));
    },
  );

  it("are applied once", () => {
    const db = database();
    migrate(db, shipped, 1);
    const applied = db.prepare("SELECT * FROM migrations").all();

    migrate(db, shipped, 2);

    expect(db.prepare("SELECT * FROM migrations").all()).toEqual(applied);
  });

  it("leave nothing behind when one fails halfway", () => {
    const db = database();
    const broken = {
      name: "0005_broken.sql",
      sql: "CREATE TABLE half (a); CREATE TABLE half (a);",
      sha256: "x",
    };

    expect(() => migrate(db, [...shipped, broken], 1)).toThrow("half");

    const fresh = database();
    migrate(fresh, shipped, 1);
    expect(shapeOf(db)).toEqual(shapeOf(fresh));
  });

  it("are refused when one that was applied has been edited", () => {
    const files = new Map(shipped.map(({ name, sql }) => [name, sql]));
    const db = database();
    migrate(db, migrationsOf(files), 1);
    const [[first, text] = ["", ""]] = files;
    files.set(first, `${text}\n`);

    expect(() => migrate(db, migrationsOf(files), 2)).toThrow(
      expect.objectContaining({
        code: "migration_edited",
        message: expect.stringContaining("0001_events.sql"),
      }),
    );
  });

  it("are refused when one was put before those that were applied", () => {
    const db = database();
    migrate(db, shipped, 1);
    const between = { name: "0002_a_late_idea.sql", sql: "SELECT 1", sha256: "x" };

    expect(() => migrate(db, [shipped[0] ?? between, between, ...shipped.slice(1)], 2)).toThrow(
      expect.objectContaining({ code: "migration_edited" }),
    );
  });

  it("of a newer release are respected, by writers and readers", async () => {
    const stateDirectory = await logOf(1);
    bareDatabase(stateDirectory).exec("INSERT INTO migrations VALUES ('0099_future.sql', 'x', 1)");

    const refusal = expect.objectContaining({
      code: "storage_newer",
      message: expect.stringMatching(/newer release.*0099_future\.sql.*run that release/),
    });
    expect(() => openForWriting(stateDirectory)).toThrow(refusal);
    expect(() => openForReading(stateDirectory)).toThrow(refusal);
  });

  it("that a reader needs are asked for, since it cannot apply them", async () => {
    const stateDirectory = await logOf(1);
    const { name = "" } = shipped.at(-1) ?? {};
    bareDatabase(stateDirectory).prepare("DELETE FROM migrations WHERE name = ?").run(name);

    expect(() => openForReading(stateDirectory)).toThrow(
      expect.objectContaining({
        code: "storage_failed",
        message: expect.stringContaining(name),
      }),
    );
  });
});
