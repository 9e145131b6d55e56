import { hash } from "node:crypto";
import { AppError } from "../base/errors.ts";
import { shippedTexts } from "../base/parts.ts";
import type { Db } from "./sqlite.ts";

/** One file of `migrations/`. */
interface Migration {
  name: string;
  sql: string;
  sha256: string;
}

interface Applied {
  name: string;
  sha256: string;
}

/**
 * Brings a database to this release's tables: applies what is missing, in order, each in a transaction of its own.
 *
 * @throws AppError `migration_edited` or `storage_newer`; then nothing was changed
 */
export function migrate(db: Db, migrations: readonly Migration[], wall: number): void {
  db.exec(
    `CREATE TABLE IF NOT EXISTS migrations (
      name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, wall INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
  );
  for (const migration of missingMigrations(db, migrations)) applyOne(db, migration, wall);
}

/**
 * Migrations this release has and the database lacks.
 *
 * @throws AppError `migration_edited` where one that was applied differs from ours, `storage_newer` where we do not know it
 */
export function missingMigrations(db: Db, migrations: readonly Migration[]): Migration[] {
  const applied = appliedMigrations(db);
  applied.forEach((one, place) => checkApplied(one, migrations, place));
  return migrations.slice(applied.length);
}

/** The migrations that this release ships, in order. */
export const ourMigrations = (): Migration[] => migrationsOf(shippedTexts("migrations"));

/** @param files texts by name; others than migrations are passed over */
export const migrationsOf = (files: ReadonlyMap<string, string>): Migration[] =>
  [...files]
    .filter(([name]) => /^\d{4}_\w+\.sql$/.test(name))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, sql]) => ({ name, sql, sha256: hash("sha256", sql, "hex") }));

function appliedMigrations(db: Db): Applied[] {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get();
  if (known === undefined) return [];
  return db.prepare<[], Applied>("SELECT name, sha256 FROM migrations ORDER BY name").all();
}

function checkApplied(applied: Applied, migrations: readonly Migration[], place: number): void {
  const ours = migrations.find((migration) => migration.name === applied.name);
  if (ours === undefined)
    throw new AppError(
      "storage_newer",
      `the event log was written by a newer release of sprite-env (it has the migration ${applied.name}): ` +
        "run that release, or name another state directory",
    );
  if (ours.sha256 !== applied.sha256 || migrations[place] !== ours)
    throw new AppError(
      "migration_edited",
      `migration ${applied.name} was applied in another shape than this release ships: ` +
        "install the release again, or run the one that wrote this log",
    );
}

function applyOne(db: Db, migration: Migration, wall: number): void {
  db.transaction(() => {
    db.exec(migration.sql);
    db.prepare("INSERT INTO migrations VALUES (?, ?, ?)").run(
      migration.name,
      migration.sha256,
      wall,
    );
  }).immediate();
}
