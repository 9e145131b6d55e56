import { expect, it, vi } from "vitest";
import { openForReading } from "../../src/journal/database.ts";
import { openReader } from "../../src/journal/read.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import { temporaryDirectory } from "./fixture.ts";
import { killed, startProgram } from "./processes.ts";

it("loses nothing that was acknowledged when the writer is killed in the middle of it, again and again", async () => {
  const stateDirectory = temporaryDirectory();

  for (let round = 0; round < 10; round += 1) {
    const before = round === 0 ? 0 : headOf(stateDirectory);
    const writer = startProgram("appending-process.ts", stateDirectory);
    await vi.waitFor(() => expect(writer.lines.length).toBeGreaterThan(round * 7), {
      timeout: 20_000,
    });
    await killed(writer);

    const acknowledged = Number(writer.lines.at(-1));
    const head = headOf(stateDirectory);
    expect(acknowledged).toBeGreaterThan(before);
    expect(head).toBeGreaterThanOrEqual(acknowledged);
    expect(head - before).toSatisfy((rows: number) => rows % 3 === 0, "whole batches only");
  }

  const db = openForReading(stateDirectory);
  expect(verifyLog(db)).toMatchObject({ ok: true, rows: headOf(stateDirectory) });
  db.close();
}, 120_000);

function headOf(stateDirectory: string): number {
  const reader = openReader(stateDirectory);
  const { seq } = reader.head();
  reader.close();
  return seq;
}
