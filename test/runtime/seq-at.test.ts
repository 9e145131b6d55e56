import { describe, expect, it } from "vitest";
import { memoryJournal } from "../support/memory-journal.ts";
import type { Draft } from "../../src/journal/record.ts";
import { seqAt } from "../../src/runtime/seq-at.ts";
import { draft } from "../journal/fixture.ts";

/** A log of rows with these times; each row is of the environment's stream. */
async function logOf(
  ...rows: (Pick<Draft, "at" | "wall"> & { type?: string; byMs?: number })[]
): Promise<(wall: number) => number> {
  const { journal, reader } = memoryJournal();
  const drafts = rows.map(({ at, wall, type = "stream.quarantined", byMs }, place) => ({
    draft: draft({
      stream: "environment/sprite",
      version: place + 1,
      type,
      at,
      wall,
      data: byMs === undefined ? {} : { byMs },
    }),
    view: {},
  }));
  await journal.append([{ rows: drafts }]);
  return (wall) => seqAt(reader, wall);
}

const booted = "environment.booted";
const stepped = "clock.stepped";

describe("the row at a moment of the wall clock", () => {
  it("is the last one with that time or before", async () => {
    const at = await logOf(
      { at: 10, wall: 110, type: booted },
      { at: 20, wall: 120 },
      { at: 20, wall: 120 },
      { at: 30, wall: 130 },
    );
    expect([110, 119, 120, 125, 130, 999].map(at)).toEqual([1, 1, 3, 3, 4, 4]);
  });

  it("is none before the first row, and none in an empty log", async () => {
    expect((await logOf({ at: 10, wall: 110, type: booted }))(109)).toBe(0);
    expect((await logOf())(109)).toBe(0);
  });

  it("is the last row of a boot while no daemon ran", async () => {
    const at = await logOf(
      { at: 10, wall: 110, type: booted },
      { at: 20, wall: 120 },
      { at: 5_000, wall: 5_000, type: booted },
    );
    expect([130, 4_999, 5_000].map(at)).toEqual([2, 2, 3]);
  });

  it("is found on both sides of a step forward", async () => {
    const at = await logOf(
      { at: 10, wall: 110, type: booted },
      { at: 20, wall: 120 },
      { at: 30, wall: 86_400_130, type: stepped, byMs: 86_400_000 },
      { at: 40, wall: 86_400_140 },
    );
    expect([120, 50_000, 86_400_135, 86_400_140].map(at)).toEqual([2, 2, 3, 4]);
  });

  it("is the second one of a time that the clock showed twice", async () => {
    const at = await logOf(
      { at: 10_000, wall: 20_000, type: booted },
      { at: 30_000, wall: 40_000 },
      { at: 40_000, wall: 30_000, type: stepped, byMs: -20_000 },
      { at: 50_000, wall: 40_000 },
    );
    expect([25_000, 29_999, 35_000, 40_000].map(at)).toEqual([1, 1, 3, 4]);
  });

  it("is now where the clock was set back to a time that a boot before showed, too", async () => {
    const at = await logOf(
      { at: 10_000, wall: 20_000, type: booted },
      { at: 80_000, wall: 90_000 },
      { at: 90_000, wall: 30_000, type: stepped, byMs: -70_000 },
      { at: 91_000, wall: 31_000 },
    );
    expect(at(60_000)).toBe(4);
  });

  it("does not take a boot with a dead clock for the time before it", async () => {
    const at = await logOf(
      { at: 1_000_000, wall: 1_000_000, type: booted },
      { at: 1_100_000, wall: 1_100_000 },
      { at: 1_200_000, wall: 0, type: booted },
      { at: 1_200_500, wall: 500 },
      { at: 1_201_000, wall: 2_000_000, type: stepped, byMs: 1_999_000 },
    );
    expect([1_500_000, 1_050_000, 600, 2_000_000].map(at)).toEqual([2, 1, 4, 5]);
  });

  it("takes rows that came between a step and its event for rows of before", async () => {
    const at = await logOf(
      { at: 10_000, wall: 110_000, type: booted },
      { at: 50_000, wall: 150_000 },
      { at: 90_000, wall: 190_000 },
      { at: 99_500, wall: 9_500 },
      { at: 100_000, wall: 10_000, type: stepped, byMs: -190_000 },
      { at: 900_000, wall: 900_000, type: booted },
    );
    expect([130_000, 160_000].map(at)).toEqual([1, 2]);
  });

  it("follows a clock that drifts from ours for a long time", async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => ({ at: n * 1_000, wall: n * 1_010 }));
    const at = await logOf({ at: 0, wall: 0, type: booted }, ...rows);
    expect(at(1_500 * 1_010)).toBe(1_502);
  });
});
