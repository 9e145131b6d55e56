import { readFileSync } from "node:fs";
import { AppError } from "../base/errors.ts";

/** Number of a group in the text of a group file. Source: group(5). */
export function gidIn(groupFile: string, group: string): number | undefined {
  const entry = groupFile
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === group);
  return entry?.[2] ? Number(entry[2]) : undefined;
}

/**
 * Number of a group that was named or given as a number.
 *
 * @throws AppError `config_invalid` where /etc/group has no such name
 */
export function gidOf(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const gid = gidIn(readFileSync("/etc/group", "utf8"), group);
  if (gid !== undefined) return gid;
  throw new AppError(
    "config_invalid",
    `socket_group is "${group}", and /etc/group has no group of that name: make it, or give its number`,
    { details: { field: "socket_group", value: group } },
  );
}
