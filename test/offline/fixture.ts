import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { OnAppend } from "../../src/journal/append.ts";
import type { EventRow, JsonObject } from "../../src/journal/record.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { openWriter, type Writer } from "../../src/journal/writer.ts";
import { openStore, type Store } from "../../src/offline/store.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { World } from "../support/world.ts";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sprite-env-offline-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A daemon at work in a simulated world. */
export async function bootedWorld(): Promise<World> {
  const world = new World();
  await world.boot();
  return world;
}

const hook = (db: Db): OnAppend => {
  refold(db, projections, () => []);
  return projectionHook(db, projections);
};

/** Writes rows as the daemon's own writer does, projections included, and leaves the log open. */
export async function writeLog(stateDirectory: string, rows: readonly EventRow[]): Promise<Writer> {
  const writer = openWriter({ stateDirectory, hook });
  const fold = new Fold();
  const group = rows.map((row) => {
    fold.add(row);
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = row;
    return { draft, view: fold.streams.get(row.stream)?.snapshot.context as JsonObject };
  });
  const result = await writer.append([{ rows: group }]);
  if (result.outcome !== "committed") throw new Error(JSON.stringify(result));
  return writer;
}

/** The state directory of a world's log, its writer gone. */
export async function diskLog(rows: readonly EventRow[]): Promise<string> {
  const stateDirectory = temporaryDirectory();
  await (await writeLog(stateDirectory, rows)).close();
  return stateDirectory;
}

/** A store over a state directory, closed after the test. */
export function opened(stateDirectory: string): Store {
  const store = openStore(stateDirectory);
  onTestFinished(() => store.close());
  return store;
}

/** A world's log on a disk, opened as a question about the past opens it. */
export const storeOf = async (world: World): Promise<Store> => opened(await diskLog(world.rows));
