import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { openForReading } from "../../src/journal/database.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import { temporaryDirectory } from "./fixture.ts";
import { killed, startFailing } from "./processes.ts";

const traced = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;

describe.runIf(traced)("a disk that fails once", () => {
  it.each([
    ["a sync", "fsync,fdatasync:error=EIO:when=30"],
    ["a write", "pwrite64:error=EIO:when=200"],
  ])(
    "in %s costs that batch alone",
    async (_, injection) => {
      const stateDirectory = temporaryDirectory();
      const writer = startFailing(injection, "appending-process.ts", stateDirectory);
      await vi.waitFor(
        () => {
          const failure = writer.lines.indexOf("failed");
          expect(failure).toBeGreaterThan(0);
          expect(writer.lines.length).toBeGreaterThan(failure + 20);
        },
        { timeout: 30_000 },
      );
      await killed(writer);

      const acknowledged = writer.lines.filter((line) => line !== "failed").map(Number);
      expect(acknowledged).toEqual(acknowledged.map((_seq, place) => 3 * (place + 1)));
      const db = openForReading(stateDirectory);
      const result = verifyLog(db);
      db.close();
      expect(result).toMatchObject({ ok: true });
      expect(result.rows).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
    },
    60_000,
  );
});
