import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { OnAppend } from "../../src/journal/append.ts";
import type { Group } from "../../src/journal/journal.ts";
import type { EventRow, JsonObject } from "../../src/journal/record.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { openWriter, type Writer } from "../../src/journal/writer.ts";
import { openStore, type Store } from "../../src/offline/store.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { why, type Why } from "../../src/offline/why.ts";
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

/** Rows as `dispatch` hands them to a writer, those after a seq alone. */
export function groupOf(rows: readonly EventRow[], after = 0): Group {
  const fold = new Fold();
  const prepared = rows.map((row) => {
    fold.add(row);
    const { seq: _seq, prevHash: _prevHash, hash: _hash, ...draft } = row;
    return { draft, view: fold.streams.get(row.stream)?.snapshot.context as JsonObject };
  });
  return { rows: prepared.slice(after) };
}

/** Writes rows as the daemon's own writer does, projections included, and leaves the log open. */
export async function writeLog(stateDirectory: string, rows: readonly EventRow[]): Promise<Writer> {
  const writer = openWriter({ stateDirectory, hook });
  const result = await writer.append([groupOf(rows)]);
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

/** What `why` tells of a service of a world, a daemon at work or not. */
export async function told(world: World, name = "web", daemon = true): Promise<Why> {
  return why(await storeOf(world), name, { now: world.clock.wall(), daemon });
}

/** The chain as `type: words`. */
export const chainOf = ({ steps }: Why): string[] =>
  steps.map(({ row, text }) => `${row.type}: ${text}`);

/** Reports of the runners of a world. */
export async function report(
  world: World,
  name: string,
  ...facts: { type: string; [data: string]: unknown }[]
): Promise<void> {
  const incarnation = world.dispatcher.view.service(name)?.context.open?.id ?? "";
  world.dispatcher.report(
    `service/${name}`,
    facts.map((fact) => ({ ...fact, incarnation })),
  );
  await world.settle();
}

/** The machine under a world is another boot, and nothing of before lives. */
export async function powerCut(world: World): Promise<void> {
  for (const process of world.processes.values()) process.alive = false;
  world.machineBoot = `${world.machineBoot}+`;
  await world.boot();
}

/** The daemon of a world ends as it should. */
export async function shutDown(world: World): Promise<void> {
  await world.wish("environment/sprite", {
    type: "environment.drain_requested",
    reason: "SIGTERM",
    deadlineMs: 10_000,
  });
}
