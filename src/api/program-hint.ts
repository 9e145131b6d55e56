import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError } from "../base/errors.ts";

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // missing or out of reach: either way nothing we could start by that name
  }
};

/** Where a program of that name would be looked for. */
const candidates = (cmd: string, dir: string, searchPath: string): string[] =>
  cmd.includes("/")
    ? [resolve(dir, cmd)]
    : searchPath.split(":").map((directory) => join(directory || dir, cmd));

/**
 * Refuses a `cmd` that holds arguments, such as `npm start`: one with a space in it that names no file.
 *
 * Other programs that cannot be found are taken: a service may be defined before its program is there.
 *
 * @throws AppError `invalid_request` saying where arguments go
 */
export async function refuseArgumentsInCmd(
  cmd: string,
  dir: string,
  searchPath: string,
): Promise<void> {
  if (!/\s/.test(cmd)) return;
  const found = await Promise.all(candidates(cmd, dir, searchPath).map(isFile));
  if (found.includes(true)) return;
  const [program = "", ...args] = cmd.trim().split(/\s+/);
  throw new AppError(
    "invalid_request",
    `cmd is "${cmd}", and there is no file of that name: cmd is the program alone, arguments go in args ` +
      `(--cmd ${program} --args "${args.join(",")}")`,
    { details: { field: "cmd", value: cmd, allowed: "the program alone" } },
  );
}
