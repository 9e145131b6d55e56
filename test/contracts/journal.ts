import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { EventReader } from "../../src/journal/event-reader.ts";
import { KEY_LIFE_MS, type Journal } from "../../src/journal/journal.ts";
import { GENESIS, rowHash } from "../../src/journal/record.ts";
import { draft, group, groups } from "../journal/fixture.ts";

const claim = (at: number) => ({ key: "k", actor: "uid:0", request: "r", eventId: "ev_1", at });
const seqs = (rows: Iterable<{ seq: number }>) => Array.from(rows, ({ seq }) => seq);

/** What every event store does, whatever it is made of. `open` gives an empty one; `close` also removes it. */
export function describeJournal(
  name: string,
  open: () => Promise<{ journal: Journal; reader: EventReader; close: () => Promise<void> }>,
): void {
  describe(name, () => {
    let journal: Journal;
    let reader: EventReader;

    beforeEach(async () => {
      const opened = await open();
      ({ journal, reader } = opened);
      onTestFinished(opened.close);
    });

    it("begins empty", () => {
      expect(reader.head()).toEqual({ seq: 0, at: 0, hash: GENESIS });
      expect([...reader.all()]).toEqual([]);
      expect(reader.streams()).toEqual([]);
      expect(reader.firstSeq()).toBe(1);
    });

    it("numbers rows from 1 and chains each to the one before it", async () => {
      const result = await journal.append(groups(3));

      const rows = [...reader.all()];
      expect(rows.map((row) => row.seq)).toEqual([1, 2, 3]);
      expect(rows.map((row) => row.prevHash)).toEqual([GENESIS, rows[0]?.hash, rows[1]?.hash]);
      for (const row of rows)
        expect(row.hash).toBe(rowHash(row.prevHash, row, JSON.stringify(row.data)));
      const hashes = rows.map((row) => row.hash);
      expect(result).toEqual({ outcome: "committed", firstSeq: 1, head: hashes[2], hashes });
      expect(reader.head()).toEqual({ seq: 3, at: rows[2]?.at, hash: hashes[2] });
    });

    it("gives back every column as it came", async () => {
      const sent = draft({
        version: 1,
        data: { text: 'a "b" \n \u0000 ü 🙂', list: [1, null, { deep: true }], empty: {} },
        incarnation: null,
        cause: "ev_cause",
        fromState: null,
        actor: "token:ci \ud83d\ude42",
      });

      await journal.append([group(sent)]);

      expect(reader.bySeq(1)).toEqual({
        ...sent,
        seq: 1,
        prevHash: GENESIS,
        hash: expect.any(String),
      });
    });

    it("lets later groups of a batch follow earlier ones", async () => {
      const both = [draft({ version: 1 }), draft({ version: 2 })];

      expect(await journal.append([group(...both), group(draft({ version: 3 }))])).toMatchObject({
        outcome: "committed",
      });
      expect(reader.streams()).toEqual([{ stream: "service/web", version: 3 }]);
    });

    it.each([
      ["repeats a version", draft({ version: 2, id: "other" })],
      ["leaves a version out", draft({ version: 4 })],
      ["begins a stream above 1", draft({ version: 2, stream: "service/db" })],
      ["uses an id again", draft({ version: 3, id: "ev_service/web_1" })],
    ])("refuses all of a batch when a group %s, and names it", async (_, wrong) => {
      await journal.append(groups(2));

      const result = await journal.append([
        group(draft({ version: 1, stream: "service/ok" })),
        group(wrong),
      ]);

      expect(result).toEqual({ outcome: "refused", group: 1, message: expect.any(String) });
      expect(reader.head().seq).toBe(2);
      expect(reader.lastOf("service/ok")).toBeUndefined();
    });

    it("goes on after a refusal as if it had not been", async () => {
      await journal.append(groups(1));
      const before = reader.head();
      await journal.append([group(draft({ version: 2 })), group(draft({ version: 9 }))]);

      expect(await journal.append(groups(1, 2))).toMatchObject({
        outcome: "committed",
        firstSeq: 2,
      });
      expect(reader.bySeq(2)?.prevHash).toBe(before.hash);
    });

    it("keeps sealed values beside the rows, or neither", async () => {
      const sealed = [{ ref: "sv_1", sealed: Buffer.from("secret"), at: 1 }];
      await journal.append([{ ...group(draft({ version: 1 })), sealed }]);
      const late = [{ ref: "sv_2", sealed: Buffer.from("other"), at: 1 }];

      await journal.append([
        { ...group(draft({ version: 2 })), sealed: late },
        group(draft({ version: 9 })),
      ]);

      expect(Buffer.from(reader.sealedValue("sv_1") ?? [])).toEqual(Buffer.from("secret"));
      expect(reader.sealedValue("sv_2")).toBeUndefined();
    });

    it("keeps a key's claim, and its reply once there is one", async () => {
      await journal.append([{ rows: [], claim: claim(5) }]);
      expect(reader.keyClaim("k", "uid:0", 6)).toEqual(claim(5));

      await journal.settleKey("k", "uid:0", 200, '{"type":"complete"}');

      expect(reader.keyClaim("k", "uid:0", 6)).toEqual({
        ...claim(5),
        status: 200,
        reply: '{"type":"complete"}',
      });
      expect(reader.keyClaim("k", "uid:1", 6)).toBeUndefined();
    });

    it("refuses a second claim of a key, and takes it again when its life is over", async () => {
      await journal.append([{ rows: [], claim: claim(5) }]);

      expect(await journal.append([{ rows: [], claim: claim(4 + KEY_LIFE_MS) }])).toMatchObject({
        outcome: "refused",
      });
      expect(reader.keyClaim("k", "uid:0", 5 + KEY_LIFE_MS)).toBeUndefined();
      expect(await journal.append([{ rows: [], claim: claim(5 + KEY_LIFE_MS) }])).toMatchObject({
        outcome: "committed",
      });
    });

    it("stores a batch without rows", async () => {
      await journal.append(groups(1));

      const result = await journal.append([{ rows: [], claim: claim(5) }]);

      expect(result).toEqual({
        outcome: "committed",
        firstSeq: 2,
        head: reader.head().hash,
        hashes: [],
      });
    });

    it("answers questions by seq, id, stream and age", async () => {
      const other = draft({ version: 1, stream: "service/db" });
      await journal.append([...groups(2), group(other), ...groups(2, 3)]);
      expect(seqs(reader.fromSeq(2, 3))).toEqual([2, 3, 4]);
      expect(seqs(reader.all(4))).toEqual([4, 5]);
      expect(seqs(reader.stream("service/web"))).toEqual([1, 2, 4, 5]);
      expect(seqs(reader.stream("service/web", 3))).toEqual([4, 5]);
      expect(reader.byId(other.id)?.seq).toBe(3);
      expect(reader.byId("none")).toBeUndefined();
      expect(reader.bySeq(6)).toBeUndefined();
      expect(reader.lastOf("service/web")?.seq).toBe(5);
      expect(reader.lastOf("service/none")).toBeUndefined();
      expect(seqs(reader.newest(2))).toEqual([4, 5]);
      expect(seqs(reader.newest(2, { before: 4 }))).toEqual([2, 3]);
      expect(seqs(reader.newest(3, { stream: "service/web" }))).toEqual([2, 4, 5]);
      expect(seqs(reader.newest(9, { stream: "service/web", before: 4 }))).toEqual([1, 2]);
      expect(reader.streams()).toEqual([
        { stream: "service/db", version: 1 },
        { stream: "service/web", version: 4 },
      ]);
    });

    it("gives the rows that define a service, and no other ones", async () => {
      const created = draft({ version: 1, type: "service.created", fromState: null });
      const changed = draft({ version: 3, type: "service.changed" });
      const other = draft({ stream: "service/db", version: 1, type: "service.created" });
      await journal.append([group(created, draft({ version: 2 }), other, changed)]);

      expect(seqs(reader.definitions("service/web"))).toEqual([1, 4]);
      expect(reader.definitions("service/none")).toEqual([]);
    });

    it("walks more rows than it reads at a time", async () => {
      await journal.append(groups(1_234));

      expect(Array.from(reader.all(), (row) => row.seq)).toEqual(
        Array.from({ length: 1_234 }, (_, i) => i + 1),
      );
      expect([...reader.stream("service/web", 200)]).toHaveLength(1_035);
    });
  });
}
