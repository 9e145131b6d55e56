import { hash } from "node:crypto";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** One row as `dispatch` prepares it: everything but its place in the log. */
export interface Draft {
  id: string;
  /** `kind/id`, such as `service/web`. */
  stream: string;
  /** 1 for the stream's first row; the writer refuses anything but the stream's last + 1. */
  version: number;
  type: string;
  /** Version of the machine (and so of its event shapes) that took the event. */
  schema: number;
  /** The event's own data; `type`, `at`, `id` and `incarnation` are columns. */
  data: JsonObject;
  at: number;
  wall: number;
  bootId: string;
  incarnation: string | null;
  /** Id of the event that led to this one. */
  cause: string | null;
  /** Id of the first event of the chain. */
  correlation: string;
  /** Who asked: `uid:1000`, `runtime`, `proxy`, … */
  actor: string;
  /** null for the birth of a stream. */
  fromState: string | null;
  toState: string;
}

/** One row of the log. */
export interface EventRow extends Draft {
  seq: number;
  prevHash: string;
  hash: string;
}

type HashedRow = Omit<Draft, "data"> & { seq: number };

/** What the first row of a log is chained to. */
export const GENESIS = "0".repeat(64);

/** The columns a row's hash covers, in this order; with `prevHash` that is every column. */
const hashed = (row: HashedRow, data: string) => [
  row.seq,
  row.id,
  row.stream,
  row.version,
  row.type,
  row.schema,
  data,
  row.at,
  row.wall,
  row.bootId,
  row.incarnation,
  row.cause,
  row.correlation,
  row.actor,
  row.fromState,
  row.toState,
];

/**
 * Hash of a row: SHA-256, hex, over the previous row's hash and a JSON array of all columns, in which no two rows look alike.
 *
 * @param data the text of the `data` column as it is stored
 */
export function rowHash(prevHash: string, row: HashedRow, data: string): string {
  return hash("sha256", prevHash + JSON.stringify(hashed(row, data)), "hex");
}

/** Name of a stream's machine: `service` of `service/web`. */
export const kindOf = (stream: string): string => stream.slice(0, stream.indexOf("/"));

/** Name of the thing a stream is about: `web` of `service/web`. */
export const idOf = (stream: string): string => stream.slice(stream.indexOf("/") + 1);
