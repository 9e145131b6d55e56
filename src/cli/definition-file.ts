import { readFileSync } from "node:fs";
import { jsonProblem } from "../base/json.ts";
import { AppError, messageOf } from "../base/errors.ts";

/**
 * Reads a JSON file that somebody names on the command line; `-` is standard input.
 *
 * @throws AppError `invalid_request` saying what is wrong with it
 */
export function jsonFile(path: string): unknown {
  const text = contents(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid_request", `${shownPath(path)} is no JSON: ${jsonProblem(cause)}`);
  }
}

function contents(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw new AppError("invalid_request", `cannot read ${shownPath(path)}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

export const shownPath = (path: string): string => (path === "-" ? "standard input" : path);

/** Whether a value is a JSON object, and no list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The definition of one service from a file. The daemon checks its fields.
 *
 * @throws AppError `invalid_request` where it is none, or names another service
 */
export function definitionFile(path: string, name: string): Record<string, unknown> {
  const value = jsonFile(path);
  if (!isObject(value))
    throw new AppError(
      "invalid_request",
      `${shownPath(path)} must hold one JSON object: a definition`,
    );
  const { name: named, state: _state, ...definition } = value;
  if (named === undefined || named === name) return definition;
  throw new AppError(
    "invalid_request",
    `${shownPath(path)} defines ${JSON.stringify(named)}, and the command line says "${name}": use one name`,
  );
}
