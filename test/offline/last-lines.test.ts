import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { EventRow } from "../../src/journal/record.ts";
import { lastLines, type LastLines } from "../../src/offline/last-lines.ts";
import { why } from "../../src/offline/why.ts";
import type { World } from "../support/world.ts";
import { bootedWorld, diskLog, opened, temporaryDirectory } from "./fixture.ts";

const line = (text: string): string => `2026-06-02T17:11:17.821Z [stderr] ${text}\n`;
const FIRST = [line("one: hello"), line("one: oops")].join("");
const SECOND = [line("two: hello"), line("two: at work"), line("two: bye")].join("");

let world: World;
let logDir: string;

/** Two lives, of which the second runs, and the log they wrote. */
beforeEach(async () => {
  logDir = temporaryDirectory();
  writeFileSync(join(logDir, "web.log"), FIRST + SECOND);
  world = await bootedWorld();
  await world.create("web");
  await world.exits("web", { code: 1 });
  await world.pass(200);
});

/** Rows with the positions of lives as the real log thread tells them. `ended`: whether the end of the first life's output is known. */
function placed(ended: boolean): EventRow[] {
  const from = [0, FIRST.length];
  const known = ended ? world.rows : world.rows.filter(({ type }) => type !== "output.ended");
  const versions = new Map<string, number>();
  return known.map((row) => {
    const version = (versions.get(row.stream) ?? 0) + 1;
    versions.set(row.stream, version);
    if (row.type === "process.spawned")
      return { ...row, version, data: { ...row.data, logFrom: from.shift() ?? 0 } };
    if (row.type === "output.ended")
      return { ...row, version, data: { logTo: FIRST.length, lines: 2 } };
    return { ...row, version };
  });
}

async function linesOf(rows: EventRow[], count = 10, directory = logDir): Promise<LastLines> {
  const store = opened(await diskLog(rows));
  const answer = why(store, "web", { now: world.clock.wall(), daemon: true });
  return lastLines(directory, answer, count);
}

const texts = ({ lines }: LastLines): string[] => lines.map(({ text }) => text);

describe("the last lines of a life", () => {
  it("are those of the one that ended, not of the one that runs", async () => {
    expect(texts(await linesOf(placed(true)))).toEqual(["one: hello", "one: oops"]);
  });

  it("are the last so many", async () => {
    expect(texts(await linesOf(placed(true), 1))).toEqual(["one: oops"]);
  });

  it("end where the next life begins, where nobody could tell their end", async () => {
    expect(texts(await linesOf(placed(false)))).toEqual(["one: hello", "one: oops"]);
  });

  it("end with the file where no life followed", async () => {
    const rows = placed(true);
    const wish = rows.findIndex(({ type }) => type === "process.exited");

    expect(texts(await linesOf(rows.slice(0, wish), 2))).toEqual(["two: at work", "two: bye"]);
  });

  it("are the last of the file where no position is known", async () => {
    const rows = world.rows.slice(0, 6);

    expect(texts(await linesOf(rows, 2))).toEqual(["two: at work", "two: bye"]);
  });

  it("are none where it wrote none, and of another life least of all", async () => {
    const rows = placed(true).map((row) =>
      row.type === "output.ended" ? { ...row, data: { logTo: 0, lines: 0 } } : row,
    );

    expect(await linesOf(rows)).toEqual({ file: join(logDir, "web.log"), lines: [] });
  });

  it("are over rotated files", async () => {
    const directory = temporaryDirectory();
    const half = line("one: hello").length;
    writeFileSync(join(directory, "web.log.000000000000000"), FIRST.slice(0, half));
    writeFileSync(join(directory, "web.log"), FIRST.slice(half) + SECOND);

    expect(texts(await linesOf(placed(true), 10, directory))).toEqual(["one: hello", "one: oops"]);
  });

  it("are not to be had from a directory that is not there, and that is said", async () => {
    const { lines, problem } = await linesOf(placed(true), 10, "/nonexistent");

    expect(lines).toEqual([]);
    expect(problem).toBe("there is no /nonexistent: name the directory with --log-dir");
  });

  it("are none where the log was removed, and that is said, too", async () => {
    const empty = temporaryDirectory();

    expect(await linesOf(placed(true), 10, empty)).toMatchObject({
      lines: [],
      problem: `its lines are not in ${empty} any more`,
    });
  });
});
