import { cycleFrom, type Needs } from "../../machines/dependencies.ts";
import type { DefinitionBody } from "../api/schemas.ts";
import { AppError } from "../base/errors.ts";
import { isObject, jsonFile, shownPath } from "./definition-file.ts";

/** A service as a file wants it. */
export interface Wanted {
  name: string;
  definition: DefinitionBody;
}

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/**
 * The services a file names, those that are needed first, else in the file's order. The daemon checks their fields.
 *
 * @throws AppError `invalid_request` for what is no list of named definitions, a name twice, or needs in a circle
 */
export function wantedServices(path: string): Wanted[] {
  const value = jsonFile(path);
  const entries = Array.isArray(value) ? fromList(value, path) : fromObject(value, path);
  if (entries.length === 0) throw wrong(`${shownPath(path)} names no service`);
  return inNeedOrder(entries.map(([name, definition]) => wanted(name, definition)));
}

function fromList(list: readonly unknown[], path: string): [string, unknown][] {
  const entries = list.map((item, index): [string, unknown] => {
    const name = isObject(item) ? item["name"] : undefined;
    if (typeof name === "string") return [name, item];
    throw wrong(
      `item ${index + 1} of ${shownPath(path)} has no name: each needs {"name": …, "cmd": …}`,
    );
  });
  const names = entries.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw wrong(`${shownPath(path)} names ${twice} twice`);
  return entries;
}

function fromObject(value: unknown, path: string): [string, unknown][] {
  if (isObject(value)) return Object.entries(value);
  throw wrong(
    `${shownPath(path)} must hold a JSON object of definitions by name, or a list of definitions`,
  );
}

function wanted(name: string, value: unknown): Wanted {
  if (!isObject(value)) throw wrong(`${name} must be a JSON object: its definition`);
  const { name: own, state: _state, ...definition } = value;
  if (own !== undefined && own !== name)
    throw wrong(`${name} calls itself ${JSON.stringify(own)}: use one name`);
  if (typeof definition["cmd"] !== "string")
    throw wrong(`${name} has no cmd: the executable to run, without arguments`);
  return { name, definition: definition as DefinitionBody }; // cmd is there; the daemon checks the rest
}

function needsOf(services: readonly Wanted[]): Needs {
  return Object.fromEntries(
    services.map(({ name, definition }) => [name, listOf(definition.needs)]),
  );
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function inNeedOrder(services: readonly Wanted[]): Wanted[] {
  const needs = needsOf(services);
  const ordered: Wanted[] = [];
  const visit = (service: Wanted): void => {
    const cycle = cycleFrom(service.name, needs);
    if (cycle) throw wrong(`needs go in a circle: ${cycle.join(" → ")}`);
    for (const need of needs[service.name] ?? []) {
      const other = services.find(({ name }) => name === need);
      if (other && !ordered.includes(other)) visit(other);
    }
    if (!ordered.includes(service)) ordered.push(service);
  };
  services.forEach(visit);
  return ordered;
}
