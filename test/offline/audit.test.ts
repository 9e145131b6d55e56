import { beforeEach, describe, expect, it } from "vitest";
import { headOfStore, verifyStore } from "../../src/offline/audit.ts";
import { bootedWorld, diskLog, opened } from "./fixture.ts";
import { forge, FORGERIES, forgeWell, tamper } from "./forger.ts";

/** The row that is tampered with: an exit in the middle of the log. */
const VICTIM = 7;

let stateDirectory: string;
beforeEach(async () => {
  const world = await bootedWorld();
  await world.create("web");
  await world.exits("web", { code: 1 });
  await world.pass(200);
  expect(world.rows[VICTIM - 1]?.type).toBe("process.exited");
  stateDirectory = await diskLog(world.rows);
});

const verified = (head?: string) => verifyStore(opened(stateDirectory), { head });

describe("audit verify", () => {
  it("finds a log as it was written right", () => {
    const { seq, hash } = headOfStore(opened(stateDirectory));

    expect(verified()).toEqual({ ok: true, rows: seq, first: 1, head: { seq, hash } });
  });

  it("knows every column of the log", () => {
    const columns = opened(stateDirectory)
      .db.prepare<[], { name: string }>("SELECT name FROM pragma_table_info('events')")
      .all();

    expect(Object.keys(FORGERIES)).toEqual(columns.map(({ name }) => name));
  });

  it.each(Object.entries(FORGERIES))("names the row whose %s was changed", (column, value) => {
    forge(stateDirectory, VICTIM, `${column} = ${value}`);

    expect(verified()).toMatchObject({ ok: false, seq: VICTIM });
  });

  it("names a row that is missing", () => {
    tamper(stateDirectory, `DELETE FROM events WHERE seq = ${VICTIM}`);

    expect(verified()).toMatchObject({ ok: false, seq: VICTIM, message: "row 7 is missing" });
  });

  it("names the first row that was cut off the end", () => {
    tamper(stateDirectory, "DELETE FROM events WHERE seq >= 9");

    expect(verified()).toMatchObject({ ok: false, seq: 9 });
  });

  it("does not find a log that was rewritten with its hashes, but a head kept elsewhere does", () => {
    const { hash } = headOfStore(opened(stateDirectory));
    forgeWell(stateDirectory, VICTIM, `data = ${FORGERIES["data"]}`);

    expect(verified()).toMatchObject({ ok: true });
    expect(verified(hash)).toMatchObject({ ok: false, message: expect.stringContaining(hash) });
  });

  it("takes what audit head printed as it stands", () => {
    const { seq, hash } = headOfStore(opened(stateDirectory));

    expect(verified(`${seq} ${hash}\n`).ok).toBe(true);
    expect(verified(JSON.stringify({ seq, hash })).ok).toBe(true);
    expect(() => verified("12")).toThrow(/^--head is "12": allowed is one hash/);
  });

  it("tells how far it is", async () => {
    const world = await bootedWorld();
    await world.create("web");
    const rows = world.rows;
    const last = rows.at(-1);
    if (!last) throw new Error("no rows");
    const more = Array.from({ length: 2_500 }, (_, index) => ({
      ...last,
      id: `ev_more_${index}`,
      version: last.version + 1 + index,
    }));
    const seen: [number, number][] = [];

    verifyStore(opened(await diskLog([...rows, ...more])), {
      onProgress: (done, of) => seen.push([done, of]),
    });

    expect(seen).toEqual([
      [1_000, 2_506],
      [2_000, 2_506],
    ]);
  });
});

describe("audit head", () => {
  it("refuses a log whose end was cut off", () => {
    tamper(stateDirectory, "DELETE FROM events WHERE seq >= 9");

    expect(() => headOfStore(opened(stateDirectory))).toThrow(
      /ends at row 8, but was written up to row \d+: see "sprite-env audit verify"/,
    );
  });
});
