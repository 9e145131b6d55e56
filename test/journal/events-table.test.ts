import { beforeEach, describe, expect, it } from "vitest";
import type { Db } from "../../src/journal/sqlite.ts";
import { bareDatabase, logOf } from "./fixture.ts";

describe("the events table, to whoever opens it", () => {
  let db: Db;
  beforeEach(async () => {
    db = bareDatabase(await logOf(4));
  });

  const copyOf = (row: number, changes: Record<string, string | number>): string => {
    const columns = db
      .prepare<[], string>("SELECT name FROM pragma_table_info('events')")
      .pluck()
      .all();
    const values = columns.map((name) => {
      const value = changes[name];
      return typeof value === "string" ? `'${value}'` : (value ?? name);
    });
    return `INTO events SELECT ${values.join(", ")} FROM events WHERE seq = ${row}`;
  };
  const anchor = (seq: number) =>
    db.exec(`INSERT INTO anchors SELECT seq, hash, at, 0 FROM events WHERE seq = ${seq}`);
  const fresh = { id: "fresh", version: 99 };

  it("refuses any change", () => {
    expect(() => db.exec("UPDATE events SET data = '{}' WHERE seq = 2")).toThrow("never changed");
    expect(() => db.exec("UPDATE OR REPLACE events SET seq = 9 WHERE seq = 2")).toThrow(
      "never changed",
    );
  });

  it("refuses to let a row go", () => {
    expect(() => db.exec("DELETE FROM events WHERE seq = 1")).toThrow("never deleted");
    expect(() => db.exec("DELETE FROM events")).toThrow("never deleted");
  });

  it.each([
    ["leaves a gap", { ...fresh, seq: 6 }, "must be the last one + 1"],
    ["takes a seq again", { ...fresh, seq: 4 }, "must be the last one + 1"],
    ["fills a seq below the first", { ...fresh, seq: 0 }, "must be the last one + 1"],
    ["takes an id again", { seq: 5, version: 99 }, "is taken"],
    ["takes a version of a stream again", { seq: 5, id: "fresh" }, "is taken"],
  ])("refuses a row that %s, also when it is to replace another", (_, changes, message) => {
    expect(() => db.exec(`INSERT ${copyOf(3, changes)}`)).toThrow(message);
    expect(() => db.exec(`INSERT OR REPLACE ${copyOf(3, changes)}`)).toThrow(message);
    expect(db.prepare("SELECT count(*) FROM events").pluck().get()).toBe(4);
  });

  it("refuses a row that does not say its seq", () => {
    const columns =
      "id, stream, version, type, schema, data, at, wall, boot_id, correlation, actor, to_state, prev_hash, hash";

    expect(() =>
      db.exec(
        `INSERT INTO events (${columns}) VALUES ('x','s/x',1,'t',1,'{}',1,1,'b','c','a','s','p','h')`,
      ),
    ).toThrow("must be the last one + 1");
  });

  it("takes the next row", () => {
    db.exec(`INSERT ${copyOf(4, { ...fresh, seq: 5 })}`);

    expect(db.prepare("SELECT max(seq) FROM events").pluck().get()).toBe(5);
  });

  describe("under an anchor", () => {
    it("lets the prefix go and nothing above it", () => {
      anchor(2);

      expect(() => db.exec("DELETE FROM events WHERE seq <= 3")).toThrow("never deleted");
      db.exec("DELETE FROM events WHERE seq <= 2");
      expect(db.prepare("SELECT seq FROM events").pluck().all()).toEqual([3, 4]);
    });

    it("counts on from the anchor when all rows are gone", () => {
      const next = `INSERT ${copyOf(4, { ...fresh, seq: 5 })}`;
      db.exec(`CREATE TEMP TABLE kept AS SELECT * FROM events`);
      anchor(4);
      db.exec("DELETE FROM events");

      expect(() => db.exec(next.replace("FROM events", "FROM kept").replace("5,", "1,"))).toThrow(
        "last one + 1",
      );
      db.exec(next.replace("FROM events", "FROM kept"));
      expect(db.prepare("SELECT seq FROM events").pluck().all()).toEqual([5]);
    });

    it("takes only an anchor that is a row of the log", () => {
      expect(() => db.exec("INSERT INTO anchors VALUES (9, 'x', 0, 0)")).toThrow(
        "names the seq and hash",
      );
      expect(() => db.exec("INSERT INTO anchors VALUES (2, 'x', 0, 0)")).toThrow(
        "names the seq and hash",
      );
    });

    it("keeps the newest anchor as it is, and lets older ones go", () => {
      anchor(1);
      anchor(3);

      expect(() => db.exec("UPDATE anchors SET seq = 4 WHERE seq = 3")).toThrow("never changed");
      expect(() => db.exec("DELETE FROM anchors WHERE seq = 3")).toThrow("newest anchor");
      db.exec("DELETE FROM anchors WHERE seq = 1");
      expect(db.prepare("SELECT seq FROM anchors").pluck().all()).toEqual([3]);
    });
  });
});
