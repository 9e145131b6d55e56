import { describe, expect, it } from "vitest";
import type { EventRow } from "../../src/journal/record.ts";
import { createTail, type Subscription } from "../../src/journal/tail.ts";
import { draft } from "./fixture.ts";

const rows = (...seqs: number[]): EventRow[] =>
  seqs.map((seq) => ({ ...draft({ version: seq }), seq, prevHash: "", hash: "" }));

async function taken(subscription: Subscription): Promise<number[]> {
  const seqs: number[] = [];
  for await (const row of subscription) seqs.push(row.seq);
  return seqs;
}

describe("the tail", () => {
  it("gives every subscriber each row once, in order", async () => {
    const tail = createTail();
    const readers = [tail.subscribe(), tail.subscribe()].map(taken);

    tail.publish(rows(1, 2));
    await Promise.resolve();
    tail.publish(rows(3));
    tail.close();

    expect(await Promise.all(readers)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it("wakes a reader that waits", async () => {
    const tail = createTail();
    const iterator = tail.subscribe()[Symbol.asyncIterator]();
    const waiting = iterator.next();

    tail.publish(rows(7));

    expect((await waiting).value).toMatchObject({ seq: 7 });
  });

  it("leaves out what a subscriber does not want", async () => {
    const tail = createTail();
    const even = taken(tail.subscribe((row) => row.seq % 2 === 0));

    tail.publish(rows(1, 2, 3, 4));
    tail.close();

    expect(await even).toEqual([2, 4]);
  });

  it("drops a subscriber that does not take its rows, says so, and serves the others", async () => {
    const tail = createTail(3);
    const slow = tail.subscribe();
    const other = tail.subscribe((row) => row.seq === 4);

    tail.publish(rows(1, 2, 3));
    expect(slow.ended).toBeUndefined();
    tail.publish(rows(4));

    expect(slow.ended).toBe("too slow");
    expect(await taken(slow)).toEqual([]);
    tail.close();
    expect(await taken(other)).toEqual([4]);
    expect(other.ended).toBe("closed");
  });

  it("forgets a subscriber that closes", async () => {
    const tail = createTail();
    const closed = tail.subscribe();
    closed.close();

    tail.publish(rows(1));

    expect(await taken(closed)).toEqual([]);
  });
});
