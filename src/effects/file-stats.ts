import type { BigIntStats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";

/** Codes of what is not there for us: gone, of another kind by now, not ours to see, or a link that leads nowhere. */
const UNSEEN = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EINVAL", "ELOOP", "ENAMETOOLONG"]);

/** Whether a call failed since there is nothing for us at a path. */
export const isUnseen = (error: unknown): boolean =>
  UNSEEN.has((error as NodeJS.ErrnoException).code ?? "");

async function orElse<Value, Other>(asked: Promise<Value>, other: Other): Promise<Value | Other> {
  try {
    return await asked;
  } catch (error) {
    if (isUnseen(error)) return other;
    throw error;
  }
}

/** What is at a path, a link as a link; undefined where nothing is for us. */
export const statOf = (path: string): Promise<BigIntStats | undefined> =>
  orElse(lstat(path, { bigint: true }), undefined);

/** Where a link leads; undefined where it is none any more. */
export const linkOf = (path: string): Promise<string | undefined> =>
  orElse(readlink(path), undefined);

/** The names in a directory; none where it is none any more. */
export const namesIn = (directory: string): Promise<string[]> => orElse(readdir(directory), []);

/** Tells a file from others that are there at the same time. */
export const inodeOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

/** Changes with a file. Of a directory it says only which one it is: what is in it is looked at for itself. */
export const markOf = (stats: BigIntStats): string => {
  const { mode, size, mtimeNs } = stats;
  return stats.isDirectory() ? inodeOf(stats) : `${inodeOf(stats)}:${mode}:${size}:${mtimeNs}`;
};
