import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sea from "node:sea";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { AppError, messageOf } from "./errors.ts";

/*
 * What the program is made of beside its code: files it ships with, and code that runs in a thread or a process of its own. In a checkout and in a package they lie in
 * folders; in the single executable they are inside the file that runs, as its assets, under the same names.
 */

/** The word with which the single executable runs one of its parts instead of the command line. */
const PART = "__part:";

const isSingle = sea.isSea();
const isSource = !isSingle && import.meta.url.endsWith(".ts");

/** A path from the root of the checkout, or of `dist`. */
const beside = (path: string): URL => new URL(`../../${path}`, import.meta.url);

/** Where a folder that ships with the program is. The page is in no checkout's sources, but in what was built of them. */
const folderBeside = (name: string): string =>
  fileURLToPath(beside(isSource && name === "inspector" ? "dist/inspector" : name));

/** Code of ours, named from `src/` and without its ending: literal paths are rewritten by the compiler in imports only. */
const codeBeside = (name: string): URL =>
  new URL(`../${name}.${isSource ? "ts" : "js"}`, import.meta.url);

const textDecoder = new TextDecoder();

/** The release, as package.json has it. */
export function release(): string {
  const text = isSingle
    ? sea.getAsset("package.json", "utf8")
    : readFileSync(beside(isSource ? "package.json" : "../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version; // our own file
}

/** Files directly in a folder that ships with the program, with what is in them, by name in order. */
export function shippedTexts(folder: string): Map<string, string> {
  if (!isSingle) {
    const path = folderBeside(folder);
    const names = readdirSync(path).toSorted();
    return new Map(names.map((name) => [name, readFileSync(join(path, name), "utf8")]));
  }
  const keys = sea.getAssetKeys().filter((key) => key.startsWith(`${folder}/`));
  return new Map(
    keys
      .toSorted()
      .map((key) => [
        key.slice(folder.length + 1),
        textDecoder.decode(sea.getRawAsset(key) as ArrayBuffer),
      ]),
  );
}

/** Where the single executable writes files to that a library wants in a folder; nobody else writes there. */
export type Unpack = () => string;

/** A folder that ships with the program. */
export const shippedFolder = (name: string, unpack: Unpack): string =>
  isSingle ? unpacked(name, unpack()) : folderBeside(name);

/** The same of a package's files; undefined where the package lies beside us and finds them itself. */
export const packageFolder = (name: string, unpack: Unpack): string | undefined =>
  isSingle ? unpacked(name, unpack()) : undefined;

/** @throws AppError `storage_failed`: some megabytes, which a small or full disk may not have */
function unpacked(name: string, root: string): string {
  const folder = join(root, name);
  try {
    rmSync(folder, { recursive: true, force: true }); // an older release's
    for (const key of sea.getAssetKeys().filter((one) => one.startsWith(`${name}/`))) {
      const file = join(root, key);
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
      writeFileSync(file, Buffer.from(sea.getRawAsset(key) as ArrayBuffer));
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true }); // half of a page helps nobody
    throw new AppError(
      "storage_failed",
      `the page's files cannot be written to ${folder} (${messageOf(error)}): look at the disk that it is on, and ask again`,
      { cause: error },
    );
  }
  return folder;
}

/** Starts a thread of ours. @param name of its module in `src/` */
export function startPart(name: string, options: WorkerOptions): Worker {
  if (!isSingle) return new Worker(codeBeside(name), options);
  return new Worker(sea.getAsset(`${name}.js`, "utf8"), { ...options, eval: true });
}

/**
 * How code of ours is run as a process of its own, by `fork`.
 *
 * @param name of its module in `src/`
 * @param nodeOptions the single executable takes none: what runs there sets them itself
 */
export const partProcess = (
  name: string,
  nodeOptions: readonly string[],
): { module: string; execArgv: string[] } =>
  isSingle
    ? { module: `${PART}${name}`, execArgv: [] }
    : { module: fileURLToPath(codeBeside(name)), execArgv: [...nodeOptions] };
