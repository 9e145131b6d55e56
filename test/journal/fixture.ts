import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { databaseFile } from "../../src/journal/database.ts";
import type { Group } from "../../src/journal/journal.ts";
import type { Draft } from "../../src/journal/record.ts";
import { openWriter, type Writer, type WriterOptions } from "../../src/journal/writer.ts";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sprite-env-journal-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A row of `service/web`, with what a test cares about given. */
export const draft = (given: Partial<Draft> & { version: number }): Draft => ({
  id: `ev_${given.stream ?? "service/web"}_${given.version}`,
  stream: "service/web",
  type: "process.exited",
  schema: 1,
  data: { status: { code: 1 }, jitter: 0.5 },
  at: 1_000 + given.version,
  wall: 1_700_000_000_000,
  bootId: "bt_1",
  incarnation: "in_1",
  cause: null,
  correlation: "ev_0",
  actor: "runtime",
  fromState: "running",
  toState: "crashed",
  ...given,
});

/** A group of one row for each draft. */
export const group = (...drafts: Draft[]): Group => ({
  rows: drafts.map((one) => ({ draft: one, view: {} })),
});

/** `count` groups of one row each, the next ones of `service/web`. */
export const groups = (count: number, from = 1): Group[] =>
  Array.from({ length: count }, (_, place) => group(draft({ version: from + place })));

/** A writer without projections, closed after the test. */
export function writerOn(stateDirectory: string, options: Partial<WriterOptions> = {}): Writer {
  const writer = openWriter({ stateDirectory, hook: () => () => {}, ...options });
  onTestFinished(() => writer.close());
  return writer;
}

/** A log of `count` rows of `service/web`, closed. */
export async function logOf(count: number): Promise<string> {
  const stateDirectory = temporaryDirectory();
  const writer = openWriter({ stateDirectory, hook: () => () => {} });
  await writer.append(groups(count));
  await writer.close();
  return stateDirectory;
}

/** The database as a stranger with the `sqlite3` shell has it; closed after the test. */
export function bareDatabase(stateDirectory: string): Database.Database {
  const db = new Database(databaseFile(stateDirectory));
  onTestFinished(() => void db.close());
  return db;
}

/** The same, with the triggers out of the way. */
export function forgersDatabase(stateDirectory: string): Database.Database {
  const db = bareDatabase(stateDirectory);
  const triggers = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .pluck();
  for (const name of triggers.all()) db.exec(`DROP TRIGGER ${name}`);
  return db;
}
