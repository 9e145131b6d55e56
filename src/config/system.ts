import { accessSync, constants, statSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname } from "node:path";
import { AppError } from "../base/errors.ts";
import type { Env } from "./places.ts";

/** What loading asks of the machine. */
export interface System {
  env: Env;
  cwd: string;
  uid: number;
  hostname: string;
  /** Under which name the daemon was started. */
  program: "sprite-env" | "spritectl";
  canWrite: (directory: string) => boolean;
}

/**
 * Whether a directory can be written or, where it is missing, made: asked of the nearest one that exists.
 */
export function canWrite(directory: string): boolean {
  try {
    if (!statSync(directory).isDirectory()) return false;
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return missing && dirname(directory) !== directory && canWrite(dirname(directory));
  }
}

/** Our user's home, or undefined where the user has no entry: os.homedir then throws, unless HOME is set. */
function ownHome(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** One that was removed under us is nobody's any more. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

/** The machine we run on. HOME is filled in from the user's entry where it is not set. */
export const thisSystem = (): System => ({
  env: { HOME: ownHome(), ...process.env },
  cwd: currentDirectory(),
  uid: process.getuid?.() ?? -1,
  hostname: hostname(),
  program: process.env["SPRITE_ENV_PROGRAM"] === "spritectl" ? "spritectl" : "sprite-env",
  canWrite,
});

/** A host name as a sprite's name: lower case, everything else a dash, 63 at most. */
export function safeName(host: string): string {
  const name = host
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63);
  return name.replace(/^-+|-+$/g, "") || "sprite";
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Where services run that name no directory: what was chosen must exist; a home that does not is replaced by `/`. */
export function defaultDirOf(chosen: string | null | undefined, home: string | undefined): string {
  if (!chosen) return home && isDirectory(home) ? home : "/";
  if (isDirectory(chosen)) return chosen;
  throw new AppError(
    "config_invalid",
    `default_dir is ${chosen}, which is no directory: make it, or name one that is there`,
    { details: { field: "default_dir", value: chosen, allowed: "a directory" } },
  );
}
