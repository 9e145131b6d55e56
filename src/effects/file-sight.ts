import type { BigIntStats } from "node:fs";
import { dirname, join } from "node:path";
import type { FileNotices } from "./file-notices.ts";
import { linkOf, markOf, namesIn, statOf } from "./file-stats.ts";

/** What there was at one moment: each file by the path it was come to, with what changes when it does. */
export type FileSight = ReadonlyMap<string, string>;

/** The kernel follows no more links than this on one path. Source: path_resolution(7). */
const MOST_LINKS = 40;

/** What editors write beside a file while it is open: it is no change of anything. */
const OF_EDITORS = /^\..*\.sw[px]$|~$|\.subl.*\.tmp$/;

interface Look {
  notices: Pick<FileNotices, "at">;
  seen: Map<string, string>;
  /** Directories that it was in, by their real path: links lead in circles. */
  entered: Set<string>;
}

interface Found {
  /** Without links. */
  path: string;
  stats: BigIntStats;
}

/** Looks at files, and at directories with all that is below them, and has the next change of each noticed. */
export async function seeFiles(
  paths: readonly string[],
  notices: Pick<FileNotices, "at">,
): Promise<FileSight> {
  const look: Look = { notices, seen: new Map(), entered: new Set() };
  for (const path of paths) {
    const found = await follow(look, "/", path);
    if (found) await see(look, found, path);
    // A file that is mounted alone changes without its directory here saying so.
    if (found && !found.stats.isDirectory()) await notices.at(found.path);
  }
  return look.seen;
}

/** The first path whose file is not what it was. */
export function differenceOf(before: FileSight, after: FileSight): string | undefined {
  for (const [path, mark] of after) if (before.get(path) !== mark) return path;
  return [...before.keys()].find((path) => !after.has(path));
}

/** @param shown what it is called in what is seen */
async function see(look: Look, { path, stats }: Found, shown: string): Promise<void> {
  look.seen.set(shown, `${markOf(stats)} ${path}`);
  if (stats.isDirectory()) await seeBelow(look, path, shown);
}

async function seeBelow(look: Look, directory: string, shown: string): Promise<void> {
  if (look.entered.has(directory)) return;
  look.entered.add(directory);
  await look.notices.at(directory);
  const names = (await namesIn(directory)).filter((name) => !OF_EDITORS.test(name));
  const all = await Promise.all(names.map((name) => statOf(join(directory, name))));
  for (const [index, name] of names.entries()) {
    const stats = all[index];
    const isLink = stats?.isSymbolicLink();
    const here = stats && { path: join(directory, name), stats };
    const found = isLink ? await follow(look, directory, name) : here;
    if (found) await see(look, found, join(shown, name));
  }
}

/** Where one is on a path. */
interface Way {
  /** Without links. */
  at: string;
  /** Of `at`, where it was come to by its name. */
  stats: BigIntStats | undefined;
  names: string[];
  links: number;
}

/**
 * Goes a path name by name, and where a name is a link, the link's path in its place. Each name is noticed where it
 * is looked up: any of them may come, go, or lead elsewhere.
 *
 * @param from without links
 */
async function follow(look: Look, from: string, path: string): Promise<Found | undefined> {
  const way: Way = { at: from, stats: undefined, names: namesOf(path), links: 0 };
  while (way.names.length > 0) if (!(await step(look, way))) return undefined;
  const stats = way.stats ?? (await statOf(way.at));
  return stats && { path: way.at, stats };
}

/** @returns whether the way goes on */
async function step({ notices }: Look, way: Way): Promise<boolean> {
  const name = way.names.shift() ?? "";
  way.stats = undefined;
  if (name === "..") {
    way.at = dirname(way.at);
    return true;
  }
  await notices.at(way.at, name);
  const here = join(way.at, name);
  const stats = await statOf(here);
  if (stats?.isSymbolicLink()) return turn(way, here);
  Object.assign(way, { at: here, stats });
  return stats !== undefined;
}

async function turn(way: Way, link: string): Promise<boolean> {
  const target = await linkOf(link);
  way.links += 1;
  if (target === undefined || way.links > MOST_LINKS) return false;
  if (target.startsWith("/")) way.at = "/";
  way.names.unshift(...namesOf(target));
  return true;
}

const namesOf = (path: string): string[] =>
  path.split("/").filter((name) => name !== "" && name !== ".");
