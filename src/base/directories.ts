import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it that are missing, one by one: `mkdirSync` with `recursive` never returns where a file system
 * takes no directories, such as procfs.
 *
 * @param mode of each that is made, less the umask
 * @returns whether it had to be made
 * @throws Error what the system says, as `mkdirSync`; EEXIST or ENOTDIR where something else has the name
 */
export function ensureDirectory(path: string, mode: number): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const above = dirname(path);
  if (statSync(above, { throwIfNoEntry: false }) === undefined) ensureDirectory(above, mode);
  mkdirSync(path, { mode });
  return true;
}
