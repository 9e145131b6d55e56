import Database from "better-sqlite3";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { EventReader } from "../../src/journal/event-reader.ts";
import { openForReading } from "../../src/journal/database.ts";
import { openReader } from "../../src/journal/read.ts";
import type { EventRow, JsonObject } from "../../src/journal/record.ts";
import type { RetentionRequest } from "../../src/journal/retention.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import type { Writer } from "../../src/journal/writer.ts";
import { foldRows, statesAt } from "../../src/runtime/past.ts";
import { retentionPorts } from "../../src/runtime/retained.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";
import { seqAt } from "../../src/runtime/seq-at.ts";
import { histories, historyOf } from "../support/histories.ts";
import { World } from "../support/world.ts";
import { bareDatabase, forgersDatabase, temporaryDirectory, writerOn } from "./fixture.ts";

const NOTHING = Number.MAX_SAFE_INTEGER;

/** What of a world is needed: what happened in it, and what time it is. */
interface Happened {
  rows: readonly EventRow[];
  clock: { now(): number };
}

/** A log on disk with the rows of a world, and a writer that keeps it within its bounds. */
class Kept {
  readonly stateDirectory = temporaryDirectory();
  readonly writer: Writer;
  readonly world: Happened;
  readonly #fold = new Fold();
  #written = 0;

  constructor(world: Happened) {
    this.world = world;
    this.writer = writerOn(this.stateDirectory, { retention: retentionPorts });
  }

  /** Writes what has happened in the world since. */
  async write(): Promise<void> {
    const rows = this.world.rows.slice(this.#written).map((row) => {
      this.#fold.add(row);
      const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = row;
      const view = this.#fold.streams.get(row.stream)?.snapshot.context as JsonObject;
      return { draft, view };
    });
    this.#written += rows.length;
    const result = await this.writer.append([{ rows }]);
    if (result.outcome !== "committed") throw new Error(JSON.stringify(result));
  }

  /** All steps of one run; where it has cut. */
  async retain(request: Partial<RetentionRequest>): Promise<number | undefined> {
    const now = this.world.clock.now();
    const whole = { ageMs: NOTHING, bytes: NOTHING, now, wall: now, ...request };
    for (let cut: number | undefined; ;) {
      const step = await this.writer.retain(whole);
      cut ??= step.cut;
      if (!step.more) return cut;
    }
  }

  /** One run that removes all up to a row. */
  cutAt(row: EventRow | undefined): Promise<number | undefined> {
    return this.retain({ ageMs: this.world.clock.now() - (row?.at ?? 0) });
  }

  reader(): EventReader {
    const reader = openReader(this.stateDirectory);
    onTestFinished(() => reader.close());
    return reader;
  }

  /** With no trigger in the way. */
  sql(text: string): void {
    forgersDatabase(this.stateDirectory).exec(text);
  }
}

const alive = (fold: Fold): string[] =>
  [...fold.streams.values()]
    .filter(({ snapshot }) => snapshot.status === "active")
    .map(({ stream, snapshot }) => JSON.stringify([stream, stateOf(snapshot), snapshot.context]))
    .toSorted();

/** By a fold of everything that ever was. */
function byFold(rows: readonly EventRow[], seq = Infinity): string[] {
  const fold = new Fold();
  for (const row of rows) if (row.seq <= seq) fold.add(row);
  return alive(fold);
}

const verified = (kept: Kept): ReturnType<typeof verifyLog> => {
  const db = openForReading(kept.stateDirectory);
  onTestFinished(() => void db.close());
  return verifyLog(db);
};

/** The birth of a service, as the first row of another stream. */
function bornAgain(
  rows: readonly EventRow[],
  stream: string,
): Omit<EventRow, "seq" | "prevHash" | "hash"> {
  const birth = rows.find(({ type }) => type === "service.created") as EventRow;
  const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = birth;
  return { ...draft, id: "ev_again", stream, version: 1 };
}

const seqs = (rows: Iterable<EventRow>): number[] => Array.from(rows, ({ seq }) => seq);

let world: World;
let kept: Kept;
/** The last row of the first hour. */
let border: EventRow;

/** An hour in which `old` came and went and `web` crashed, and an hour after it. */
beforeEach(async () => {
  world = new World();
  await world.boot();
  await world.create("old", { env: { SECRET: "sv_old" } });
  await world.wish("service/old", { type: "service.delete_requested" });
  await world.create("web", { env: { SECRET: "sv_web" } });
  await world.create("resting");
  for (let life = 0; life < 12; life += 1) {
    await world.exits("web", { code: 1 });
    await world.pass(40_000);
  }
  border = world.rows.at(-1) as EventRow;
  await world.pass(3_600_000);
  await world.exits("web", { code: 2 });
  await world.pass(40_000);
  await world.create("new");
  kept = new Kept(world);
  await kept.write();
});

describe("retention by age", () => {
  it("removes a prefix and nothing else, and says up to where", async () => {
    expect(await kept.cutAt(border)).toBe(border.seq);

    const reader = kept.reader();
    expect(reader.firstSeq()).toBe(border.seq + 1);
    expect(seqs(reader.all())).toEqual(seqs(world.rows).slice(border.seq));
    expect(reader.anchor()).toMatchObject({ seq: border.seq, hash: border.hash, at: border.at });
  });

  it("removes nothing where nothing is old, and asks for nothing more", async () => {
    expect(await kept.retain({ ageMs: world.clock.now() })).toBeUndefined();
    expect(kept.reader().firstSeq()).toBe(1);
  });

  it("leaves the state of each stream that lived on, and none of one that had ended", async () => {
    await kept.cutAt(border);

    const states = kept.reader().anchorStates();
    expect(states.map(({ stream }) => stream)).toEqual([
      "environment/sprite",
      "service/resting",
      "service/web",
    ]);
  });

  it("leaves what a fold gives, at every row that is left and at the cut", async () => {
    await kept.cutAt(border);

    const reader = kept.reader();
    for (let seq = border.seq; seq <= world.rows.length; seq += 1)
      expect(alive(statesAt(reader, seq))).toEqual(byFold(world.rows, seq));
    const fold = new Fold();
    for (const _ of foldRows(fold, reader));
    expect(alive(fold)).toEqual(byFold(world.rows));
    expect([...fold.mismatches.values()]).toEqual([]);
  });

  it("leaves a log that verifies, from its anchor on", async () => {
    await kept.cutAt(border);
    const rows = world.rows.length - border.seq;
    expect(verified(kept)).toMatchObject({ ok: true, rows, first: border.seq + 1 });
  });

  it("cuts again further on, from what the cut before left", async () => {
    await kept.cutAt(border);
    const next = world.rows[border.seq + 3] as EventRow;
    await kept.cutAt(next);

    const reader = kept.reader();
    expect(reader.anchor()?.seq).toBeGreaterThanOrEqual(next.seq);
    expect(alive(statesAt(reader, world.rows.length))).toEqual(byFold(world.rows));
    expect(
      bareDatabase(kept.stateDirectory).prepare("SELECT count(*) FROM anchors").pluck().get(),
    ).toBe(1);
    expect(verified(kept)).toMatchObject({ ok: true });
  });

  it("may remove every row: what lives goes on from there", async () => {
    const last = world.rows.at(-1) as EventRow;
    await kept.cutAt(last);
    expect(kept.reader().head()).toEqual({ seq: last.seq, at: last.at, hash: last.hash });
    expect(alive(statesAt(kept.reader(), last.seq))).toEqual(byFold(world.rows));

    await world.exits("web", { code: 3 });
    await world.pass(1_000);
    await kept.write();
    expect(alive(statesAt(kept.reader(), world.rows.length))).toEqual(byFold(world.rows));
    expect(verified(kept)).toMatchObject({ ok: true, rows: world.rows.length - last.seq });
  });

  it("lets a name whose end is gone be born again, at the version it had or at the first", async () => {
    await kept.cutAt(border);
    await world.create("old");
    await kept.write(); // the world counts on from the end that it remembers
    expect(verified(kept)).toMatchObject({ ok: true });
    expect(alive(statesAt(kept.reader(), world.rows.length))).toEqual(byFold(world.rows));
    const fold = new Fold();
    for (const _ of foldRows(fold, kept.reader()));
    expect([...fold.mismatches.values()]).toEqual([]);

    const draft = bornAgain(world.rows, "service/again");
    const result = await kept.writer.append([{ rows: [{ draft, view: {} }] }]);
    expect(result).toMatchObject({ outcome: "committed" });
  });

  it("lets a name be born again that was asked for while its end was being removed", async () => {
    const draft = bornAgain(world.rows, "service/old");
    const ask = () => kept.writer.append([{ rows: [{ draft, view: {} }] }]);
    const now = world.clock.now();
    const request = { ageMs: now - border.at, bytes: NOTHING, now, wall: now };
    for (let isCut = false; !isCut;) isCut = (await kept.writer.retain(request)).cut !== undefined;
    expect(await ask()).toMatchObject({ outcome: "refused" }); // its rows are still there
    await kept.cutAt(border);
    expect(await ask()).toMatchObject({ outcome: "committed" });
  });

  it("keeps a quarantined stream as it was before the row that does not fit", async () => {
    const wrong = world.rows.findLast(
      ({ stream, seq }) => stream === "service/web" && seq <= border.seq,
    );
    kept.sql(
      `UPDATE events SET to_state = 'failed' WHERE seq = ${wrong?.seq}; DELETE FROM snapshots`,
    );
    await kept.cutAt(border);

    const before = byFold(world.rows, (wrong?.seq ?? 0) - 1).find((one) =>
      one.includes("service/web"),
    );
    const at = statesAt(kept.reader(), border.seq);
    expect(alive(at)).toContain(before);
    expect(at.versions.get("service/web")).toBe(
      world.rows.filter(({ stream, seq }) => stream === "service/web" && seq <= border.seq).length,
    );
  });
});

describe("retention of any history, cut anywhere", () => {
  it("leaves at every row that is left what a fold of everything gives", async () => {
    const cuts = fc.array(fc.nat(99), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(histories, cuts, async (moves, percents) => {
        const rows = await historyOf(moves);
        const any = new Kept({ rows, clock: { now: () => (rows.at(-1)?.at ?? 0) + 1 } });
        await any.write();
        for (const percent of percents) {
          const cut = await any.cutAt(rows[Math.floor((percent / 100) * rows.length)]);
          const reader = any.reader();
          const first = reader.firstSeq();
          if (cut !== undefined) expect(first).toBe(cut + 1);
          for (let seq = first - 1; seq <= rows.length; seq += 1)
            expect(alive(statesAt(reader, seq))).toEqual(byFold(rows, seq));
          const fold = new Fold();
          for (const _ of foldRows(fold, reader));
          expect([...fold.mismatches.values()]).toEqual([]);
          expect(verified(any)).toMatchObject({ ok: true, rows: rows.length - first + 1 });
        }
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});

describe("retention by size", () => {
  const long = "x".repeat(4_000);

  it("removes the oldest rows until the store is small enough, and never the newest thousand", async () => {
    for (let round = 0; round < 300; round += 1) {
      await world.wish("service/resting", {
        type: "service.signal_requested",
        signal: `HUP${long}`,
      });
      if (round % 50 === 0) await kept.write();
    }
    for (let round = 0; round < 500; round += 1) {
      await world.wish("service/resting", { type: "service.signal_requested", signal: "HUP" });
      await world.wish("service/new", { type: "service.signal_requested", signal: "HUP" });
    }
    await kept.write();
    const bytes = 1_000_000;
    const used = (db: Db): number =>
      Number(db.pragma("page_count", { simple: true })) * 4_096 -
      Number(db.pragma("freelist_count", { simple: true })) * 4_096;
    const db = bareDatabase(kept.stateDirectory);
    expect(used(db)).toBeGreaterThan(bytes);

    const cut = await kept.retain({ bytes });

    expect(cut).toBeGreaterThan(0);
    expect(world.rows.length - (cut ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(alive(statesAt(kept.reader(), world.rows.length))).toEqual(byFold(world.rows));
    expect(verified(kept)).toMatchObject({ ok: true });
  });

  it("gives the room back: the file gets shorter", async () => {
    const { writer } = kept;
    for (let row = 0; row < 2_500; row += 1) {
      await world.wish("service/resting", { type: "service.signal_requested", signal: long });
      if (row % 500 === 0) await kept.write();
    }
    await kept.write();
    const db = bareDatabase(kept.stateDirectory);
    const pages = (): number => Number(db.pragma("page_count", { simple: true }));
    const before = pages();

    await kept.cutAt(world.rows.at(-1));
    await kept.retain({ bytes: 1_000_000 });
    await writer.close();

    expect(pages()).toBeLessThan(before / 2);
  });
});

describe("what people asked for", () => {
  it("is archived, whole, and found by number and id; what the runtime did is not", async () => {
    await kept.cutAt(border);

    const reader = kept.reader();
    const gone = world.rows.slice(0, border.seq);
    const isBoot = ({ type }: EventRow): boolean => type === "environment.booted";
    const asked = gone.filter((row) => row.actor !== "runtime" || isBoot(row));
    expect(asked.length).toBeGreaterThan(2);
    for (const row of asked) {
      expect(reader.bySeq(row.seq)).toEqual(row);
      expect(reader.byId(row.id)).toEqual(row);
    }
    const rest = gone.filter((row) => !asked.includes(row));
    for (const row of rest) expect(reader.bySeq(row.seq)).toBeUndefined();
    expect(seqs(reader.definitions("service/web"))).toEqual(
      asked
        .filter(({ stream, type }) => stream === "service/web" && type === "service.created")
        .map(({ seq }) => seq),
    );
  });

  it("is checked by its own hash", async () => {
    await kept.cutAt(border);
    const victim = world.rows.find(({ type }) => type === "service.delete_requested");
    kept.sql(`UPDATE archived_commands SET actor = 'uid:7' WHERE seq = ${victim?.seq}`);
    expect(verified(kept)).toMatchObject({ ok: false, seq: victim?.seq });
  });

  it("is kept as long as it is small beside the store", async () => {
    const count = (): unknown =>
      bareDatabase(kept.stateDirectory)
        .prepare("SELECT count(*) FROM archived_commands")
        .pluck()
        .get();
    await kept.cutAt(border);
    const before = Number(count());
    await kept.retain({ bytes: 4 * 700 * (before - 2) });
    expect(Number(count())).toBeLessThan(before);
    expect(Number(count())).toBeGreaterThan(0);
  });
});

describe("what else goes", () => {
  const seal = (ref: string, at: number) =>
    kept.writer.append([{ rows: [], sealed: [{ ref, sealed: Buffer.from("x"), at }] }]);

  it("is every value that no version refers to, but for those whose row may be on its way", async () => {
    const at = world.clock.now();
    await world.wish("service/web", {
      type: "service.changed",
      definition: { cmd: "web", env: { SECRET: "sv_next" } },
      version: 2,
      start: false,
    });
    await kept.write();
    for (const ref of ["sv_old", "sv_web", "sv_next", "sv_nobody"]) await seal(ref, at - 3_600_000);
    await seal("sv_fresh", at);
    const left = () =>
      ["sv_old", "sv_web", "sv_next", "sv_nobody", "sv_fresh"].filter((ref) =>
        kept.reader().sealedValue(ref),
      );

    await kept.retain({});
    expect(left()).toEqual(["sv_old", "sv_web", "sv_next", "sv_fresh"]);

    await kept.cutAt(border); // `old` is deleted and its rows are archived; `web` can go back to what is archived of it
    expect(left()).toEqual(["sv_web", "sv_next", "sv_fresh"]);
  });

  it("is every idempotency key past its life", async () => {
    const day = 24 * 3_600_000;
    const now = world.clock.now();
    const claim = (key: string, at: number) => ({
      key,
      at,
      actor: "uid:0",
      request: "r",
      eventId: "e",
    });
    await kept.writer.append([{ rows: [], claim: claim("old", now - day) }]);
    await kept.writer.append([{ rows: [], claim: claim("new", now - day + 1) }]);
    await kept.retain({});
    const keys = bareDatabase(kept.stateDirectory)
      .prepare("SELECT key FROM idempotency_keys")
      .pluck()
      .all();
    expect(keys).toEqual(["new"]);
  });
});

describe("a reader of a log that is cut", () => {
  const gone = expect.objectContaining({
    code: "events_gone",
    details: expect.objectContaining({ first: expect.any(Number) }),
  });

  it("is told the first row that is left when it asks for one below", async () => {
    await kept.cutAt(border);
    const reader = kept.reader();
    for (const ask of [
      () => reader.fromSeq(1, 10),
      () => reader.fromSeq(border.seq, 10),
      () => reader.fromSeqIn("service/web", border.seq, 10),
      () => [...reader.all(1)],
      () => [...reader.stream("service/web", 2)],
      () => statesAt(reader, border.seq - 1),
    ])
      expect(ask).toThrow(gone);
    expect(() => reader.fromSeq(border.seq + 1, 10)).not.toThrow();
    try {
      reader.fromSeq(1, 10);
    } catch (error) {
      expect(error).toMatchObject({ details: { first: border.seq + 1 } });
    }
  });

  it("is told when it reads on over a cut, page by page, instead of missing a row in silence", async () => {
    for (let row = 0; row < 1_200; row += 1)
      await world.wish("service/web", { type: "service.signal_requested", signal: "HUP" });
    await kept.write();
    const reader = kept.reader();
    const readings = [reader.all(), reader.all(3), reader.stream("service/web")].map((rows) =>
      rows[Symbol.iterator](),
    );
    for (const rows of readings) rows.next();

    const cut = (await kept.cutAt(world.rows.at(-200))) ?? 0;

    expect(cut).toBeGreaterThan(600);
    for (const rows of readings)
      expect(() => {
        while (rows.next().done !== true);
      }).toThrow(gone);
  });

  it("finds moments from the cut on, and says of earlier ones that they are before it", async () => {
    await kept.cutAt(border);
    const reader = kept.reader();
    expect(seqAt(reader, border.wall - 1)).toBe(border.seq - 1);
    expect(seqAt(reader, border.wall)).toBe(border.seq);
    expect(seqAt(reader, (world.rows[border.seq]?.wall ?? 0) - 1)).toBe(border.seq);
    expect(seqAt(reader, world.clock.now())).toBe(world.rows.length);
    await kept.cutAt(world.rows.at(-1));
    expect(seqAt(reader, world.clock.now())).toBe(world.rows.length);
    expect(seqAt(reader, border.wall)).toBe(world.rows.length - 1);
  });

  it("sees nothing below the anchor while rows there are still being removed", async () => {
    const now = world.clock.now();
    const request = { ageMs: now - border.at, bytes: NOTHING, now, wall: now };
    for (let cut: number | undefined; cut === undefined;)
      ({ cut } = await kept.writer.retain(request));

    const reader = kept.reader();
    expect(
      bareDatabase(kept.stateDirectory).prepare("SELECT min(seq) FROM events").pluck().get(),
    ).toBe(1);
    expect(reader.firstSeq()).toBe(border.seq + 1);
    expect(seqs(reader.all())[0]).toBe(border.seq + 1);
    expect(seqs(reader.stream("service/web"))[0]).toBeGreaterThan(border.seq);
    expect(reader.lastOf("service/old")).toBeUndefined();
    expect(reader.streams().map(({ stream }) => stream)).not.toContain("service/old");
    expect(reader.bySeq(5)).toBeUndefined();
    expect(alive(statesAt(reader, world.rows.length))).toEqual(byFold(world.rows));
    expect(verified(kept)).toMatchObject({ ok: true });
  });
});

describe("a daemon that dies while it cuts", () => {
  it("goes on with it at the next run, and has lost nothing meanwhile", async () => {
    const now = world.clock.now();
    const request = { ageMs: now - border.at, bytes: NOTHING, now, wall: now };
    for (let cut: number | undefined; cut === undefined;)
      ({ cut } = await kept.writer.retain(request));
    await kept.writer.close();

    const writer = writerOn(kept.stateDirectory, { retention: retentionPorts });
    for (;;) if (!(await writer.retain({ ...request, ageMs: NOTHING })).more) break;

    const count = bareDatabase(kept.stateDirectory)
      .prepare("SELECT count(*) FROM events")
      .pluck()
      .get();
    expect(count).toBe(world.rows.length - border.seq);
    expect(alive(statesAt(kept.reader(), world.rows.length))).toEqual(byFold(world.rows));
  });
});

describe("a state at the cut that cannot be used", () => {
  it.each([
    [
      "altered",
      `UPDATE anchor_states SET state = replace(state, '"attempt":', '"attempt":1') WHERE stream = 'service/web'`,
    ],
    ["torn", "UPDATE anchor_states SET state = substr(state, 1, 30) WHERE stream = 'service/web'"],
    ["newer", "UPDATE anchor_states SET schema = 99 WHERE stream = 'service/web'"],
  ])("(%s) is a mismatch of its stream, and the others go on", async (_, sql) => {
    await kept.cutAt(border);
    kept.sql(sql);
    const fold = statesAt(kept.reader(), world.rows.length);
    expect([...fold.mismatches.keys()]).toEqual(["service/web"]);
    expect(fold.mismatches.get("service/web")?.reason).toContain("what retention left of it");
    expect(fold.streams.get("service/resting")?.snapshot.status).toBe("active");
    expect(verified(kept)).toMatchObject({ ok: false, seq: border.seq });
  });
});

describe("a step that fails", () => {
  const failing = (code: string): Writer =>
    writerOn(kept.stateDirectory, {
      retention: {
        ...retentionPorts,
        statesAt: () => {
          throw new Database.SqliteError("it failed", code);
        },
      },
    });
  const request = () => {
    const now = world.clock.now();
    return { ageMs: now - border.at, bytes: NOTHING, now, wall: now };
  };

  it.each([
    ["SQLITE_FULL", "storage_full"],
    ["SQLITE_IOERR_WRITE", "storage_failed"],
    ["SQLITE_IOERR_FSYNC", "storage_failed"],
  ])("(%s) is told, removes nothing, and appends go on", async (code, told) => {
    await kept.writer.close();
    const writer = failing(code);

    await expect(writer.retain(request())).rejects.toThrow(expect.objectContaining({ code: told }));

    await world.wish("service/web", { type: "service.signal_requested", signal: "HUP" });
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = world.rows.at(-1) as EventRow;
    expect(await writer.append([{ rows: [{ draft, view: {} }] }])).toMatchObject({
      outcome: "committed",
      firstSeq: world.rows.length,
    });
    expect(kept.reader().firstSeq()).toBe(1);
    expect(verified(kept)).toMatchObject({ ok: true, rows: world.rows.length });
  });
});

describe("appends beside retention", () => {
  it("get their turn between its steps", async () => {
    const { writer } = kept;
    const now = world.clock.now();
    const request = { ageMs: now - border.at, bytes: NOTHING, now, wall: now };
    await world.wish("service/web", { type: "service.signal_requested", signal: "HUP" });
    const first = writer.retain(request);
    await kept.write();
    let more = (await first).more;
    while (more) {
      await world.wish("service/web", { type: "service.signal_requested", signal: "HUP" });
      await kept.write();
      ({ more } = await writer.retain(request));
    }
    expect(kept.reader().head().seq).toBe(world.rows.length);
    expect(alive(statesAt(kept.reader(), world.rows.length))).toEqual(byFold(world.rows));
    expect(verified(kept)).toMatchObject({ ok: true });
  });
});
