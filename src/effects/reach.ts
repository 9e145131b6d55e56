import { execFile } from "node:child_process";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { findSetpriv, idsOf, SHELL } from "./launch.ts";
import type { Ids } from "./user.ts";

/** How long the kernel is asked about a file, in milliseconds: it may be on a dead mount. */
const PATIENCE_MS = 5_000;
const OWNER = 0o100;
const GROUP = 0o010;
const OTHERS = 0o001;

/**
 * What keeps a user from executing a file, or from entering a directory: that itself, or a directory on the way; undefined where nothing does.
 *
 * Judged here by owner, group and mode, which costs no process. Where they say no, an access list may still say yes, so then the kernel is asked, by a program that runs as that user.
 *
 * @param path absolute, and there
 */
export async function closedTo(path: string, ids: Ids): Promise<string | undefined> {
  const closed = await firstClosed(path, ids);
  return closed !== undefined && (await mayAsTheKernelSays(path, ids)) ? undefined : closed;
}

async function firstClosed(path: string, ids: Ids): Promise<string | undefined> {
  if (ids.uid === 0) return undefined;
  const real = await realpath(path);
  const steps = new Set([...stepsTo(path), ...stepsTo(real)]);
  for (const step of steps) {
    if (!isOpen(await stat(step), ids)) return step;
  }
  return undefined;
}

/** A path and all directories above it, the root first. */
function stepsTo(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [...stepsTo(above), path];
}

/** The first class that fits decides, as in the kernel. Source: path_resolution(7), "Permissions". */
function isOpen(
  file: { uid: number; gid: number; mode: number },
  { uid, gid, groups }: Ids,
): boolean {
  if (file.uid === uid) return (file.mode & OWNER) !== 0;
  if (file.gid === gid || groups.includes(file.gid)) return (file.mode & GROUP) !== 0;
  return (file.mode & OTHERS) !== 0;
}

/** Source: access(2), through test(1) of a shell. A question that cannot be put is answered no. */
async function mayAsTheKernelSays(path: string, ids: Ids): Promise<boolean> {
  const tool = await findSetpriv(process.env["PATH"]);
  const args = [...idsOf(ids), "--", SHELL, "-c", 'test -x "$0"', path];
  const options = { env: {}, cwd: "/", timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
  return new Promise((resolve) => {
    execFile(tool, args, options, (error) => resolve(error === null));
  });
}
