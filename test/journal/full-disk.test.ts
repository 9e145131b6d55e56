import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openForReading } from "../../src/journal/database.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import { draft, group, groups, writerOn } from "./fixture.ts";
import { smallDisk } from "./mounts.ts";

const bulky = (version: number) => group(draft({ version, data: { text: "x".repeat(20_000) } }));

it("says that the disk is full, stores nothing of that batch, and goes on when there is room", async (context) => {
  const stateDirectory = smallDisk("1m") ?? context.skip("mounting is not allowed here");
  const ballast = join(stateDirectory, "ballast");
  writeFileSync(ballast, Buffer.alloc(200_000));
  const writer = writerOn(stateDirectory);

  let stored = 0;
  let result = await writer.append([bulky(1)]);
  while (result.outcome === "committed") {
    stored += 1;
    result = await writer.append([bulky(stored + 1), bulky(stored + 2)].slice(0, 1));
  }

  expect(result).toMatchObject({ outcome: "full" });
  expect(stored).toBeGreaterThan(5);
  expect(await writer.append([bulky(stored + 1)])).toMatchObject({ outcome: "full" });
  rmSync(ballast);
  expect(await writer.append(groups(1, stored + 1))).toMatchObject({
    outcome: "committed",
    firstSeq: stored + 1,
  });
  const db = openForReading(stateDirectory);
  expect(verifyLog(db)).toMatchObject({ ok: true, rows: stored + 1 });
  db.close();
});

it("opens a log on a disk that is full", async (context) => {
  const stateDirectory = smallDisk("1m") ?? context.skip("mounting is not allowed here");
  const first = writerOn(stateDirectory);
  await first.append(groups(3));
  await first.close();
  fill(stateDirectory);

  const writer = writerOn(stateDirectory);
  const result = await writer.append([bulky(4)]);

  expect(result).toMatchObject({ outcome: "full" });
});

/** Leaves room for the WAL's index alone. */
function fill(directory: string): void {
  const ballast = join(directory, "ballast");
  try {
    for (let place = 0; ; place += 1) writeFileSync(`${ballast}${place}`, Buffer.alloc(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
  const pieces = readdirSync(directory).filter((name) => name.startsWith("ballast"));
  for (const piece of pieces.slice(0, 12)) rmSync(join(directory, piece));
}
