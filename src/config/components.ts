import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError, messageOf } from "../base/errors.ts";
import type { ComponentConfig } from "./config.ts";
import { NAME_PATTERN, type ConfigFile } from "./schema.ts";

const wrong = (field: string, message: string): AppError =>
  new AppError("config_invalid", message, { details: { field } });

/**
 * All components, in the order in which they start: those of the file as it has them, then the folders by name.
 *
 * @throws AppError `config_invalid` for a folder without start.sh, a script that cannot be run, a name in both
 */
export function componentsOf(merged: ConfigFile, cwd: string): readonly ComponentConfig[] {
  const number = Object.keys(merged.components ?? {}).find((name) => /^(0|[1-9]\d*)$/.test(name));
  if (number !== undefined)
    throw wrong(
      "components",
      `the component "${number}" has a whole number for a name, which has no place in the order of a JSON object: call it otherwise, such as "c${number}"`,
    );
  const ofFile = Object.entries(merged.components ?? {}).map(
    ([name, commands]): ComponentConfig => ({
      name,
      start: commands.start_command,
      ...(commands.ready_command && { ready: commands.ready_command }),
      ...(commands.checkpoint_command && { checkpoint: commands.checkpoint_command }),
      ...(commands.restore_command && { restore: commands.restore_command }),
      dir: cwd,
    }),
  );
  const ofFolders = merged.components_dir ? inFolders(merged.components_dir) : [];
  for (const { name, dir } of ofFolders) {
    if (ofFile.some((one) => one.name === name))
      throw wrong(
        "components",
        `the component "${name}" is in components and in ${dir}: rename or remove one of them`,
      );
  }
  return Object.freeze([...ofFile, ...ofFolders]);
}

/** Scripts of a component's folder, by what they do. */
const SCRIPTS = { ready: "ready.sh", checkpoint: "checkpoint.sh", restore: "restore.sh" } as const;

function inFolders(directory: string): ComponentConfig[] {
  let names: string[];
  try {
    names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith(".") && isFolder(join(directory, entry.name)))
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    throw wrong("components_dir", `components_dir cannot be read: ${messageOf(error)}`);
  }
  return names.map((name) => inFolder(join(directory, name), name));
}

function inFolder(dir: string, name: string): ComponentConfig {
  if (!new RegExp(NAME_PATTERN).test(name))
    throw wrong(
      "components_dir",
      `${dir} is no name for a component: allowed is 1 to 63 of A-Z, a-z, 0-9, _, . and -`,
    );
  const start = script(dir, "start.sh");
  if (!start) throw wrong("components_dir", `${dir} has no start.sh: a component begins with one`);
  const others = Object.entries(SCRIPTS).flatMap(([what, file]) => {
    const found = script(dir, file);
    return found ? [[what, [found]] as const] : [];
  });
  return { name, start: [start], ...Object.fromEntries(others), dir };
}

/** The path of a script; undefined where there is none. @throws AppError where it cannot be run */
function script(dir: string, file: string): string | undefined {
  const path = join(dir, file);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (stats.isFile() && (stats.mode & 0o111) !== 0) return path;
  throw wrong(
    "components_dir",
    `${path} is ${stats.isFile() ? "not executable: chmod +x it" : "no file"}`,
  );
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
