import type { FromSchema } from "json-schema-to-ts";
import type { EventRow } from "../journal/record.ts";

const nullableText = (description: string) => ({ type: ["string", "null"], description }) as const;

/** One row of the log as it is sent. */
export const eventView = {
  type: "object",
  additionalProperties: false,
  required: [
    "seq",
    "id",
    "stream",
    "version",
    "type",
    "schema",
    "data",
    "at",
    "wall",
    "boot_id",
    "incarnation",
    "cause",
    "correlation",
    "actor",
    "from_state",
    "to_state",
    "prev_hash",
    "hash",
  ],
  properties: {
    seq: { type: "integer", minimum: 1, description: "Its place in the log: no gaps, no repeats" },
    id: { type: "string" },
    stream: { type: "string", description: "kind/name, such as service/web" },
    version: { type: "integer", description: "Its place in its stream" },
    type: { type: "string", description: "Such as process.exited: see docs/events.md" },
    schema: { type: "integer", description: "Version of the machine that took it" },
    data: { type: "object", additionalProperties: true },
    at: { type: "number", description: "Milliseconds that never go back, for sums" },
    wall: { type: "number", description: "Milliseconds since the epoch, as the wall clock had it" },
    boot_id: { type: "string", description: "Which life of the daemon" },
    incarnation: nullableText("Which life of a process"),
    cause: nullableText("Id of the event that led to it"),
    correlation: { type: "string", description: "Id of the first event of the chain" },
    actor: { type: "string", description: "Who asked: uid:1000, token:ci, runtime" },
    from_state: nullableText("null: a birth"),
    to_state: { type: "string" },
    prev_hash: { type: "string" },
    hash: { type: "string", description: "SHA-256 over prev_hash and every other column" },
  },
} as const;

/** One row of the log on the wire. */
export type EventWire = FromSchema<typeof eventView>;

/** A row as it is sent: its columns by their names. */
export const eventWire = (row: EventRow): EventWire => ({
  seq: row.seq,
  id: row.id,
  stream: row.stream,
  version: row.version,
  type: row.type,
  schema: row.schema,
  data: row.data,
  at: row.at,
  wall: row.wall,
  boot_id: row.bootId,
  incarnation: row.incarnation,
  cause: row.cause,
  correlation: row.correlation,
  actor: row.actor,
  from_state: row.fromState,
  to_state: row.toState,
  prev_hash: row.prevHash,
  hash: row.hash,
});

/** Where the log begins and ends, as it is sent. */
export const headView = {
  type: "object",
  additionalProperties: false,
  required: ["seq", "hash", "first"],
  properties: {
    seq: { type: "integer", description: "Of the last event; 0 where there is none" },
    hash: { type: "string", description: "Of the last event: keep it for audit verify --head" },
    first: { type: "integer", description: "Seq of the first event that is left" },
    state_dir: {
      type: "string",
      description: "The daemon's state directory, to whoever is on its machine",
    },
  },
} as const;

export type HeadWire = FromSchema<typeof headView>;
