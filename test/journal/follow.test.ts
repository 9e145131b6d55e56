import { describe, expect, it } from "vitest";
import { follow } from "../../src/journal/follow.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { createTail } from "../../src/journal/tail.ts";
import { groups } from "./fixture.ts";

/** A log and its tail, as dispatch keeps them. */
function log(kept?: number) {
  const { journal, reader } = memoryJournal();
  const tail = createTail(kept);
  let next = 1;
  return {
    reader,
    tail,
    append: async (count: number): Promise<void> => {
      await journal.append(groups(count, next));
      tail.publish(reader.fromSeq(next, count));
      next += count;
    },
  };
}

async function take(rows: AsyncIterator<EventRow>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  while (seqs.length < count) seqs.push((await rows.next()).value?.seq);
  return seqs;
}

const upTo = (end: number, from = 1): number[] =>
  Array.from({ length: end - from + 1 }, (_, i) => from + i);

describe("following the log", () => {
  it("gives the past from a row on, then what is committed, without a gap or a repeat", async () => {
    const { reader, tail, append } = log();
    await append(500);
    const rows = follow(reader, tail, { from: 100 });

    const past = take(rows, 150);
    await append(20);
    expect(await past).toEqual(upTo(249, 100));
    await append(5);
    expect(await take(rows, 276)).toEqual(upTo(525, 250));

    const live = take(rows, 1);
    await append(1);
    expect(await live).toEqual([526]);
  });

  it("catches up a reader that was too slow for the tail", async () => {
    const { reader, tail, append } = log(4);
    const rows = follow(reader, tail, { from: 1 });
    const first = take(rows, 1);
    await append(1);
    await first;

    for (let round = 0; round < 10; round += 1) await append(3);

    expect(await take(rows, 30)).toEqual(upTo(31, 2));
    const live = take(rows, 1);
    await append(1);
    expect(await live).toEqual([32]);
  });

  it("resumes at random places, and what it gave together is the log", async () => {
    const { reader, tail, append } = log(5);
    await append(10);
    const seen: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      const stop = new AbortController();
      const rows = follow(reader, tail, { from: seen.length + 1, signal: stop.signal });
      const some = take(rows, 1 + ((round * 7) % 3));
      await append(1 + (round % 3));
      seen.push(...(await some));
      stop.abort();
      expect((await rows.next()).done).toBe(true);
    }

    expect(seen).toEqual(upTo(seen.length));
  });

  it("leaves out what is not wanted", async () => {
    const { reader, tail, append } = log();
    await append(4);
    const rows = follow(reader, tail, { from: 1, wants: (row) => row.seq % 2 === 0 });
    const some = take(rows, 4);
    await Promise.resolve();

    await append(4);

    expect(await some).toEqual([2, 4, 6, 8]);
  });

  it("ends while it waits, when it is told to or the log is closed", async () => {
    const { reader, tail, append } = log();
    await append(1);
    const stop = new AbortController();
    const told = follow(reader, tail, { from: 2, signal: stop.signal });
    const closed = follow(reader, tail, { from: 2 });
    const ends = [told.next(), closed.next()];
    await new Promise(setImmediate);

    stop.abort();
    tail.close();

    expect(await Promise.all(ends)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });
});
