import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ServiceContext } from "../../machines/service-context.ts";
import { openForReading } from "../../src/journal/database.ts";
import { openReader } from "../../src/journal/read.ts";
import {
  type EventRow,
  GENESIS,
  idOf,
  type JsonObject,
  kindOf,
  rowHash,
} from "../../src/journal/record.ts";
import { openWriter } from "../../src/journal/writer.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { allServices } from "../../src/projections/services.ts";
import { retentionPorts } from "../../src/runtime/retained.ts";
import { statesAt } from "../../src/runtime/past.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";

/*
 * Logs of released versions, as they were recorded by `scripts/record-journal.ts`, and what each service was at their end. They are never edited and never
 * recorded again: whoever has such a log keeps it. Where one does not replay any more, the machine has changed what old events mean: raise its
 * version and add an upcaster (docs/architecture.md, "How do I change a machine?").
 */
const RECORDED: Readonly<Record<string, string>> = {
  "v0.1.0.ndjson": "5d1e4f4fcf726fb484226228ea66fc1a20e46d886aadaaf44f07e98290cc46e1",
  "v0.1.0.ending.ndjson": "38828e1fe1ae0a87df436efe35b13edc43b33f392dd54da7a698ef1800aa2312",
};

/** What a person sees of a service. */
interface Seen {
  name: string;
  phase: string;
  desired: string;
  version: number;
  restart_count: number;
  last_exit: object | null;
  definition: object;
}

const textOf = (file: string): string => readFileSync(join(import.meta.dirname, file), "utf8");

const linesOf = <Line>(file: string): Line[] =>
  textOf(file)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

const seen = (name: string, phase: string, context: ServiceContext): Seen => ({
  name,
  phase,
  desired: context.desired,
  version: context.version,
  restart_count: context.restartCount,
  last_exit: context.lastExit ?? null,
  definition: context.definition,
});

const byName = (all: readonly Seen[]): Seen[] =>
  all.toSorted((one, other) => (one.name < other.name ? -1 : 1));

const endOf = (fold: Fold): Seen[] =>
  byName(
    [...fold.streams.values()]
      .filter(
        ({ stream, snapshot }) => kindOf(stream) === "service" && snapshot.status === "active",
      )
      .map(({ stream, snapshot }) =>
        seen(idOf(stream), stateOf(snapshot), snapshot.context as ServiceContext),
      ),
  );

function folded(rows: readonly EventRow[]): Fold {
  const fold = new Fold();
  for (const row of rows) fold.add(row);
  return fold;
}

/** A store with these rows, written as the daemon writes them; its directory is gone after the test. */
async function storeOf(rows: readonly EventRow[]) {
  const stateDirectory = mkdtempSync(join(tmpdir(), "sprite-env-journals-"));
  onTestFinished(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const hook = (db: Parameters<typeof refold>[0]) => {
    refold(db, projections, () => []);
    return projectionHook(db, projections);
  };
  const writer = openWriter({ stateDirectory, hook, retention: retentionPorts });
  onTestFinished(() => writer.close());
  const fold = new Fold();
  const prepared = rows.map((row) => {
    fold.add(row);
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = row;
    return { draft, view: fold.streams.get(row.stream)?.snapshot.context as JsonObject };
  });
  await writer.append([{ rows: prepared }]);
  const reader = openReader(stateDirectory);
  const db = openForReading(stateDirectory);
  onTestFinished(() => (reader.close(), void db.close()));
  return { writer, reader, db };
}

it("knows every recorded log, and none was edited", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => !name.endsWith(".ts"));
  const hashes = files.map((file) => [
    file,
    createHash("sha256").update(textOf(file)).digest("hex"),
  ]);
  expect(Object.fromEntries(hashes)).toEqual(RECORDED);
});

const ENDING = ".ending.ndjson";
const logs = Object.keys(RECORDED).filter((file) => !file.endsWith(ENDING));

describe.each(logs)("%s", (file) => {
  const rows = linesOf<EventRow>(file);
  const expected = byName(linesOf<Seen>(file.replace(".ndjson", ENDING)));

  it("is chained as it was written", () => {
    let last = GENESIS;
    for (const row of rows) {
      expect(row.prevHash).toBe(last);
      expect(row.hash).toBe(rowHash(row.prevHash, row, JSON.stringify(row.data)));
      last = row.hash;
    }
  });

  it("leads the machines of today through the states that were recorded", () => {
    const fold = folded(rows);
    expect([...fold.mismatches.values()]).toEqual([]);
    expect(endOf(fold)).toEqual(expected);
  });

  it("gives the read model of today the same answer", async () => {
    const { db } = await storeOf(rows);
    const table = allServices(db).map(({ name, phase, context }) => seen(name, phase, context));
    expect(byName(table)).toEqual(expected);
  });

  it("goes on from its snapshots, and from where retention cuts it, to the same end", async () => {
    const { writer, reader } = await storeOf(rows);
    const now = (rows.at(-1)?.at ?? 0) + 1;
    expect(endOf(statesAt(reader, rows.length))).toEqual(expected);
    for (const quarter of [1, 2, 3, 4]) {
      const at = rows[Math.floor((quarter * rows.length) / 4) - 1]?.at ?? 0;
      const request = { now, wall: now, ageMs: now - at, bytes: Number.MAX_SAFE_INTEGER };
      while ((await writer.retain(request)).more);
      expect(endOf(statesAt(reader, rows.length))).toEqual(expected);
    }
    expect(reader.anchor()?.seq).toBe(rows.length);
  });
});
