import { hash } from "node:crypto";
import type { JsonObject } from "./record.ts";

/** What a fold of a stream gives: the machine's state by its name, and what it remembers. */
export interface StreamState {
  value: string;
  context: JsonObject;
}

/** A state as it is stored. `absent`: where the context has a key whose value is undefined. */
interface Stored extends StreamState {
  absent: string[][];
}

/**
 * A state as text. Keys without a value keep their place, so that what goes on from a stored state gives the very bytes that a fold from the
 * start gives: JSON alone leaves them out, and they would come back at the end.
 */
export function encodeState({ value, context }: StreamState): string {
  const stored: Stored = { value, context, absent: absentIn(context) };
  return JSON.stringify(stored, (_, one: unknown) => (one === undefined ? null : one));
}

/** @throws SyntaxError or TypeError where the text is no state */
export function decodeState(text: string): StreamState {
  const { value, context, absent } = JSON.parse(text) as Stored;
  if (typeof value !== "string" || typeof context !== "object" || context === null)
    throw new TypeError("it is not a state");
  for (const path of absent) leaveOut(context, path);
  return { value, context };
}

/**
 * SHA-256, hex, of a stored state and of what it belongs to: a state of another row, stream or log has another one.
 *
 * @param rowHash of the row that it was taken after
 */
export const stateDigest = (
  rowHash: string,
  {
    stream,
    version,
    schema,
    state,
  }: { stream: string; version: number; schema: number; state: string },
): string => hash("sha256", rowHash + JSON.stringify([stream, version, schema, state]), "hex");

function absentIn(value: unknown, path: readonly string[] = []): string[][] {
  if (value === undefined) return [[...path]];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => absentIn(one, [...path, key]));
}

function leaveOut(context: JsonObject, path: readonly string[]): void {
  let place: Record<string, unknown> = context;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string, unknown>;
  place[path.at(-1) ?? ""] = undefined;
}
