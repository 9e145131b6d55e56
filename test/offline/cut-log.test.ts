import { cpSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { openWriter } from "../../src/journal/writer.ts";
import { verifyStore } from "../../src/offline/audit.ts";
import { bootsOf, endOf as bootEnd } from "../../src/offline/boots.ts";
import { eventPages } from "../../src/offline/events.ts";
import { history } from "../../src/offline/history.ts";
import { checkReplay, foldedServices } from "../../src/offline/replay.ts";
import { holds, logDirOf, type Store } from "../../src/offline/store.ts";
import { why } from "../../src/offline/why.ts";
import { retentionPorts } from "../../src/runtime/retained.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, diskLog, opened, temporaryDirectory } from "./fixture.ts";

let world: World;
/** The log on disk, nothing removed. */
let whole: string;

beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web");
  await world.create("db");
  for (let life = 0; life < 4; life += 1) {
    await world.exits("web", { code: 1 });
    await world.pass(1_000);
  }
  await world.wish("service/db", { type: "service.stop_requested" });
  await world.pass(60_000);
  whole = await diskLog(world.rows);
});

/** The same log after all up to a row was removed. */
async function cutAt(seq: number): Promise<Store> {
  const stateDirectory = temporaryDirectory();
  cpSync(whole, stateDirectory, { recursive: true });
  const writer = openWriter({ stateDirectory, hook: () => () => {}, retention: retentionPorts });
  const at = world.rows[seq - 1]?.at ?? 0;
  const now = world.clock.now();
  const request = { ageMs: now - at, bytes: Number.MAX_SAFE_INTEGER, now, wall: now };
  while ((await writer.retain(request)).more);
  await writer.close();
  return opened(stateDirectory);
}

const end = (): number => world.rows.length;
/** A row in the middle of the crashes of `web`. */
const middle = (): number =>
  world.rows.filter(({ type }) => type === "process.exited")[1]?.seq ?? 0;

describe("a log of which retention removed the beginning", () => {
  it.each([
    ["in the middle of a life", middle],
    ["at its end", end],
  ])("still folds to what was recorded, and to the table of services (%s)", async (_, at) => {
    const store = await cutAt(at());
    expect(checkReplay(store)).toMatchObject({ ok: true, mismatches: [], sameBytes: true });
    expect(verifyStore(store, {})).toMatchObject({ ok: true });
    expect(foldedServices(store)).toEqual(foldedServices(opened(whole)));
  });

  it("is still known to be the log of its daemon, and where its logs are", async () => {
    const store = await cutAt(end());
    expect(holds(store, store.reader.head())).toBe(true);
    expect(holds(store, { seq: end(), hash: "0" })).toBe(false);
    expect(logDirOf(store)).toBe("/logs");
  });

  it("tells of the boot that goes on, though its row is archived, and of no other", async () => {
    const boots = bootsOf((await cutAt(end())).reader);
    expect(boots.map(({ number, booted }) => [number, booted.seq])).toEqual([[1, 2]]);
    expect(boots.map((boot) => bootEnd(boot).kind)).toEqual(["open"]);
  });

  it("says who stopped a service, though the row that led there is gone", async () => {
    const { headline, steps } = why(await cutAt(end()), "db", { now: 0, daemon: true });
    expect(headline[0]).toContain("uid 0 asked for it");
    expect(steps.map(({ text }) => text)).toEqual(["uid 0 asked to stop db"]);
  });

  it("says what it does not know", async () => {
    const { headline } = why(await cutAt(end()), "web", { now: 0, daemon: true });
    expect(headline.at(-1)).toBe(
      `What led there is gone: retention has removed events up to ${end()}.`,
    );
  });

  it("counts failures on from those that are gone", async () => {
    const [told, full] = [await cutAt(middle()), opened(whole)].map((store) =>
      history(store, "web").lives.at(-1),
    );
    expect(told?.because).toBe(full?.because);
    expect(told?.because).toContain("failure 4");
  });

  it("has a history that says from where it is", async () => {
    const { goneUpTo, lives, wishes } = history(await cutAt(middle()), "web");
    expect(goneUpTo).toBeGreaterThanOrEqual(middle());
    expect(lives.length).toBeLessThan(5);
    expect(wishes[0]?.text).toContain("creat");
    expect(history(opened(whole), "web").goneUpTo).toBeUndefined();
  });

  it("gives the events that are left, and refuses those that are not with the first one", async () => {
    const store = await cutAt(middle());
    const first = store.reader.firstSeq();
    const seqs = (filter: object) =>
      [...eventPages(store, { types: [], ...filter })].flat().map(({ seq }) => seq);
    expect(seqs({})).toEqual(world.rows.map(({ seq }) => seq).filter((seq) => seq >= first));
    expect(seqs({ service: "web" })[0]).toBeGreaterThanOrEqual(first);
    for (const filter of [{ from: 1 }, { from: first - 1 }, { from: 1, service: "web" }])
      expect(() => seqs(filter)).toThrow(
        expect.objectContaining({ code: "events_gone", details: { first } }),
      );
  });

  it("knows a service of which no row is left, and no service that nobody ever had", async () => {
    const store = await cutAt(end());
    expect([...eventPages(store, { types: [], service: "web" })]).toEqual([]);
    expect(() => [...eventPages(store, { types: [], service: "wbe" })]).toThrow(
      "did you mean web?",
    );
  });
});
