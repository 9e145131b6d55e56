import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openReader, eventReader } from "../../src/journal/read.ts";
import type { EventRow } from "../../src/journal/record.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { openWriter, type Writer } from "../../src/journal/writer.ts";
import { headOf } from "../../src/projections/heads.ts";
import type { ProjectionNews } from "../../src/journal/protocol.ts";
import { keepProjections, type ProjectionKeeper } from "../../src/projections/keeper.ts";
import type { Projection } from "../../src/projections/projection.ts";
import { allServices, services } from "../../src/projections/services.ts";
import { logSource } from "../../src/runtime/log-source.ts";
import { groupOf } from "../offline/fixture.ts";
import { World } from "../support/world.ts";

/** How often each service was spawned: what only the rows tell. */
const spawns: Projection = {
  name: "spawns",
  version: 1,
  schema: (table) => `CREATE TABLE ${table} (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT`,
  on: {
    "process.spawned": (db, { row }, table) =>
      void db
        .prepare(
          `INSERT INTO ${table} VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1`,
        )
        .run(row.stream),
  },
};

const failingAt = (projection: Projection, type: string): Projection => ({
  ...projection,
  on: {
    ...projection.on,
    [type]: () => {
      throw new Error("a bug");
    },
  },
});

/** A store whose projections are looked after as in the writer's thread; time passes when a test says so. */
class Store {
  readonly directory = mkdtempSync(join(tmpdir(), "sprite-env-projections-"));
  readonly news: ProjectionNews[] = [];
  db!: Db;
  keeper!: ProjectionKeeper;
  #later: { due: number; run: () => void }[] = [];
  #now = 0;
  #stored = 0;
  #writer: Writer | undefined;

  async open(projections: readonly Projection[]): Promise<void> {
    await this.close();
    this.news.length = 0;
    this.#later = [];
    this.#writer = openWriter({
      stateDirectory: this.directory,
      hook: (db) => {
        this.db = db;
        this.keeper = keepProjections(db, projections, {
          open: logSource(eventReader(db)),
          later: (ms, run) => void this.#later.push({ due: this.#now + ms, run }),
          tell: (news) => void this.news.push(news),
        });
        return this.keeper.onAppend;
      },
    });
  }

  async close(): Promise<void> {
    this.keeper?.stop();
    await this.#writer?.close();
    this.#writer = undefined;
  }

  /** Stores what is new in a world's log. */
  async store(rows: readonly EventRow[]): Promise<void> {
    const result = await this.#writer?.append([groupOf(rows, this.#stored)]);
    if (result?.outcome !== "committed") throw new Error(JSON.stringify(result));
    this.#stored = rows.length;
  }

  /** Lets so much time pass, and all that falls due in it. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#later.toSorted((one, other) => one.due - other.due);
      if (!next || next.due > end) break;
      this.#later.splice(this.#later.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.due);
      next.run();
    }
    this.#now = end;
  }
}

let world: World;
let store: Store;
beforeEach(async () => {
  world = new World();
  await world.boot();
  await world.create("web");
  await world.create("db");
  store = new Store();
  onTestFinished(async () => {
    await store.close();
    rmSync(store.directory, { recursive: true, force: true });
  });
});

const outcomes = (): string[] =>
  store.news.map(({ projection, outcome }) => `${projection} ${outcome}`);

/** What a fold of the log makes of the table of services. */
const expected = () =>
  world.registry
    .streams()
    .filter((stream) => stream.startsWith("service/"))
    .map((stream) => {
      const live = world.registry.get(stream);
      const last = world.rows.findLast((row) => row.stream === stream);
      return {
        name: live?.name,
        phase: String(live?.snapshot.value),
        context: JSON.parse(JSON.stringify(live?.snapshot.context)),
        seq: last?.seq,
        at: last?.at,
        quarantined: null,
      };
    });

describe("a projection", () => {
  it("of a log that is empty is made at once, and follows", async () => {
    await store.open([services, spawns]);
    await store.store(world.rows);

    expect(store.news).toEqual([]);
    expect(allServices(store.db)).toEqual(expected());
    expect(headOf(store.db, "spawns")).toMatchObject({ seq: world.rows.length, stale: null });
  });

  it("that is new to a log is made on the side", async () => {
    await store.open([services]);
    await store.store(world.rows);
    await store.open([services, spawns]);

    expect(headOf(store.db, "spawns")).toMatchObject({ stale: "it was never made" });
    store.pass(1_000);

    expect(outcomes()).toEqual(["spawns stale", "spawns made"]);
    expect(store.db.prepare("SELECT * FROM spawns ORDER BY name").all()).toEqual([
      { name: "service/db", count: 1 },
      { name: "service/web", count: 1 },
    ]);
  });

  it("whose version was raised is made anew, and not written to until it is there", async () => {
    await store.open([services]);
    await store.store(world.rows);
    const next: Projection = {
      ...services,
      version: services.version + 1,
      schema: (table) =>
        services.schema(table).replace("quarantined TEXT", "quarantined TEXT, extra TEXT"),
    };
    await store.open([next]);
    await world.exits("web", { code: 1 });
    await store.store(world.rows);

    expect(headOf(store.db, "services")).toMatchObject({
      version: services.version,
      stale: `its version ${services.version} became ${next.version}`,
    });
    expect(store.db.prepare("SELECT phase FROM services WHERE name = 'web'").pluck().get()).toBe(
      "running",
    );
    store.pass(1_000);

    expect(headOf(store.db, "services")).toEqual({
      name: "services",
      version: next.version,
      seq: world.rows.length,
      stale: null,
    });
    expect(allServices(store.db)).toEqual(expected().map((row) => ({ ...row, extra: null })));
  });

  it("that ended before the log does is made anew", async () => {
    await store.open([services]);
    await store.store(world.rows);
    await store.open([]);
    await world.exits("web", { code: 1 });
    await store.store(world.rows);
    await store.open([services]);

    expect(store.news).toMatchObject([{ reason: expect.stringMatching(/^it ended at event \d+/) }]);
    store.pass(1_000);

    expect(allServices(store.db)).toEqual(expected());
  });

  it("has the rows that were stored between two pieces of its making", async () => {
    await store.open([services]);
    for (let round = 0; round < 40; round += 1) {
      await world.exits("web", { code: 1 });
      await world.pass(40_000);
    }
    await store.store(world.rows);
    const slow: Projection = {
      ...spawns,
      on: {
        "process.spawned": (db, appended, table) => {
          const until = performance.now() + 3;
          while (performance.now() < until); // a piece ends after some of them
          spawns.on["process.spawned"]?.(db, appended, table);
        },
      },
    };
    await store.open([services, slow]);
    let pieces = 0;
    while (store.news.at(-1)?.outcome !== "made" && pieces < 1_000) {
      pieces += 1;
      if (pieces <= 3) await world.exits("web", { code: 1 });
      if (pieces <= 3) await world.pass(40_000);
      if (pieces <= 3) await store.store(world.rows);
      store.pass(10);
    }

    expect(pieces).toBeGreaterThan(1);
    expect(
      store.db.prepare("SELECT count FROM spawns WHERE name = 'service/web'").pluck().get(),
    ).toBe(
      world.rows.filter(
        ({ stream, type }) => stream === "service/web" && type === "process.spawned",
      ).length,
    );
    expect(headOf(store.db, "spawns")).toMatchObject({ seq: world.rows.length, stale: null });
  });

  it("has the quarantine of a service after it was made anew", async () => {
    await store.open([services]);
    const event = { type: "stream.quarantined", stream: "service/web", reason: "a test" };
    await world.wish("environment/sprite", event);
    await store.store(world.rows);

    store.keeper.rebuild("services", "a test");
    store.pass(1_000);

    expect(allServices(store.db).map(({ name, quarantined }) => [name, quarantined])).toEqual([
      ["db", null],
      ["web", "a test"],
    ]);
  });

  it("follows again once it was asked for, whatever was in its table", async () => {
    await store.open([services]);
    await store.store(world.rows);
    store.db.exec("UPDATE services SET phase = 'failed'; DELETE FROM services WHERE name = 'db'");

    expect(store.keeper.rebuild("services", "it was changed by hand")).toBe(true);
    expect(headOf(store.db, "services")?.stale).toBe("it was changed by hand");
    store.pass(1_000);
    await world.exits("web", { code: 1 });
    await store.store(world.rows);

    expect(allServices(store.db)).toEqual(expected());
    expect(store.keeper.rebuild("nothing", "a test")).toBe(false);
  });
});

describe("a projection whose handler throws", () => {
  it("is left behind while rows go on being stored, and made anew from what the streams are", async () => {
    await store.open([failingAt(services, "process.exited"), spawns]);
    await store.store(world.rows);
    await world.exits("web", { code: 1 });
    await store.store(world.rows);

    expect(headOf(store.db, "services")?.stale).toMatch(
      /^its handler failed after event \d+: a bug$/,
    );
    expect(headOf(store.db, "spawns")).toMatchObject({ seq: world.rows.length, stale: null });
    store.pass(1_000);

    expect(outcomes()).toEqual(["services stale", "services made"]);
    expect(allServices(store.db)).toEqual(expected());
  });

  it("is made again no sooner than some seconds later, where it throws again at once", async () => {
    await store.open([failingAt(services, "process.exited")]);
    await store.store(world.rows);
    for (let round = 0; round < 3; round += 1) {
      await world.exits("web", { code: 1 });
      await world.pass(40_000);
      await store.store(world.rows);
      store.pass(20);
    }

    expect(outcomes()).toEqual(["services stale", "services made", "services stale"]);
  });

  it("stays behind where it cannot be made, and says why; nothing is left beside it", async () => {
    await store.open([services]);
    await store.store(world.rows);
    await store.open([services, failingAt(spawns, "process.exited")]);
    store.pass(1_000);
    await world.exits("web", { code: 1 });
    await store.store(world.rows);
    expect(outcomes()).toEqual(["spawns stale", "spawns made", "spawns stale"]);
    await store.open([services, failingAt(spawns, "process.exited")]);
    store.pass(600_000);

    expect(outcomes()).toEqual(["spawns stale", "spawns failed"]);
    expect(headOf(store.db, "spawns")?.stale).toBe("it could not be made: a bug");
    expect(
      store.db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%being_made'").all(),
    ).toEqual([]);
    expect(allServices(store.db)).toEqual(expected());
  });
});

describe("the log as projections are made of it", () => {
  it("ends, from the present, in the states that all rows give", async () => {
    await store.open([services]);
    await store.store(world.rows);
    await store.close();
    const reader = openReader(store.directory);
    onTestFinished(() => reader.close());
    const source = logSource(reader)("present");

    expect([...source.states].map(({ stream, phase }) => [stream, phase])).toEqual([
      ["environment/sprite", "ready"],
      ["service/db", "running"],
      ["service/web", "running"],
    ]);
    expect(source.seq).toBe(world.rows.length);
    expect(source.next(10)).toEqual([]);
  });
});
