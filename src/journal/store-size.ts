import { statSync } from "node:fs";
import { databaseFile } from "./database.ts";

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** What the store takes on disk, in bytes: the database and its WAL. They are looked at from outside, since only SQLite may open them. */
export function storeBytes(stateDirectory: string): number {
  const file = databaseFile(stateDirectory);
  return sizeOf(file) + sizeOf(`${file}-wal`);
}
