import { spawnSync } from "node:child_process";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./fixture.ts";

/** Shows a directory at another place where nobody can write to it, root neither. Undefined where we may not mount. */
export function mountReadOnly(directory: string): string | undefined {
  const place = mounted(["--bind", directory]);
  return place !== undefined && mount(["-o", "remount,ro,bind", place]) ? place : undefined;
}

/** An empty file system with so much room. Undefined where we may not mount. */
export const smallDisk = (size: string): string | undefined =>
  mounted(["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs"]);

function mounted(what: string[]): string | undefined {
  const place = temporaryDirectory();
  if (!mount([...what, place])) return undefined;
  onTestFinished(() => void spawnSync("umount", ["--lazy", place]));
  return place;
}

const mount = (args: string[]): boolean =>
  spawnSync("mount", args, { stdio: "ignore" }).status === 0;
