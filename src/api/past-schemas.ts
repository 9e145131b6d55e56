import { eventView } from "./event-wire.ts";
import { nameSchema } from "./field-schemas.ts";
import { serviceView } from "./view-schemas.ts";

/* Questions about the past and their answers. */

const seq = {
  type: "integer",
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: "A sequence number",
} as const;
const wall = { type: "integer", minimum: 0, description: "Milliseconds since the epoch" } as const;
const limit = { type: "integer", minimum: 1, maximum: 1_000 } as const;
const moment = {
  type: "string",
  minLength: 1,
  maxLength: 100,
  description:
    "A sequence number, the id of an event, or a time such as `10 min ago`, `14:03` or RFC 3339",
  "x-allowed": "a sequence number, the id of an event, or a time",
} as const;
const service = { ...nameSchema, description: "Of this service alone" } as const;

const query = <const Properties extends object>(
  properties: Properties,
  required: readonly string[] = [],
) =>
  ({
    type: "object",
    additionalProperties: false,
    properties,
    ...(required.length > 0 && { required }),
  }) as const;

export const nothing = query({});
export const stripQuery = query({
  by: {
    type: "string",
    enum: ["time", "seq"],
    description: "Pieces of the same length in time, or of as many events",
  },
  buckets: { type: "integer", minimum: 1, maximum: 2_000 },
  from: seq,
  to: seq,
  service,
});
export const stateQuery = query({ at: moment, service });
export const diffQuery = query({ from: moment, to: moment, service }, ["from"]);
export const jumpQuery = query(
  {
    from: seq,
    direction: { type: "string", enum: ["next", "previous"] },
    to: { type: "string", enum: ["start", "restart", "crash", "command", "boot", "change"] },
    service,
  },
  ["from", "direction", "to"],
);
const boot = {
  type: "string",
  pattern: "^(-?[0-9]{1,9}|bt_[A-Za-z0-9_-]{1,60})$",
  "x-allowed": "a number of the list, 0 for the newest, -1 for the one before it, or an id",
} as const;
export const bootDiffQuery = query({ from: boot, to: boot });
export const bootParams = { type: "object", required: ["boot"], properties: { boot } } as const;
export const seqParams = {
  type: "object",
  required: ["seq"],
  properties: {
    seq: { type: "string", pattern: "^[1-9][0-9]{0,15}$", "x-allowed": "a sequence number" },
  },
} as const;
export const limitQuery = query({ limit });
export const edgesQuery = query({ to: seq });
const state = { type: "string", maxLength: 200 } as const;
export const takenQuery = query(
  {
    from: { ...state, description: "The state that was left; empty or absent: a birth" },
    to: state,
    event: state,
    before: seq,
    limit,
  },
  ["to"],
);
export const timelineQuery = query({
  service,
  before: { ...seq, description: "Only events below this one" },
  type: {
    type: "string",
    maxLength: 1_000,
    description: "Only of these types, with commas between",
  },
  limit,
});
export const restartsQuery = query({
  from_wall: wall,
  buckets: { type: "integer", minimum: 1, maximum: 200 },
});
export const logsQuery = query({
  around: { ...seq, description: "The event around which; absent: the end of the log" },
  before: { type: "integer", minimum: 0, maximum: 2_000, description: "Lines at most" },
  after: { type: "integer", minimum: 0, maximum: 2_000, description: "Lines at most" },
});

/** What is taken where nothing is said. */
export const DEFAULTS: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  strip: { by: "time", buckets: 240 },
  history: { limit: 100 },
  taken: { limit: 50 },
  timeline: { limit: 100 },
  restarts: { buckets: 24 },
  logs: { before: 200, after: 200 },
};

const object = <const Properties extends object>(
  properties: Properties,
  optional: readonly string[] = [],
) =>
  ({
    type: "object",
    additionalProperties: false,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    properties,
  }) as const;

const number = { type: "number" } as const;
const integer = { type: "integer" } as const;
const place = object({
  seq: integer,
  at: { type: "number", description: "Milliseconds of the log's own clock" },
  wall: number,
});

/** As the command line prints it with `--json`. */
export const anyObject = { type: "object", additionalProperties: true } as const;
export const anyList = { type: "array", items: anyObject } as const;
export const spanView = object({ first: place, last: place, rows: integer });
export const stripView = object({
  by: { type: "string" },
  buckets: {
    type: "array",
    items: object({
      first: integer,
      last: { type: "integer", description: "Below `first` where nothing happened" },
      wall_from: number,
      wall_to: number,
      rows: integer,
      starts: integer,
      crashes: integer,
      commands: integer,
      boots: integer,
    }),
  },
});
export const stateView = object(
  {
    place,
    boot: {
      type: ["object", "null"],
      additionalProperties: false,
      required: ["number", "id"],
      properties: { number: integer, id: { type: "string" } },
    },
    sprite: { type: "string", description: "State of the environment" },
    services: {
      type: "array",
      items: {
        ...serviceView,
        properties: { ...serviceView.properties, as_of: anyObject, last_event: anyObject },
      },
    },
    note: { type: "string" },
  },
  ["note"],
);
const toldEvent = {
  ...eventView,
  required: [...eventView.required, "text"],
  properties: {
    ...eventView.properties,
    text: { type: "string", description: "The event in words" },
  },
} as const;
export const jumpView = object({ event: { ...toldEvent, type: ["object", "null"] } });
export const toldView = object({
  events: { type: "array", items: toldEvent },
  more: { type: "boolean", description: "There are earlier ones" },
});
export const causesView = object({
  focus: integer,
  events: { type: "array", items: toldEvent },
  truncated: { type: "boolean" },
});
export const edgesView = object({
  to: integer,
  edges: {
    type: "array",
    items: object({
      from: { type: ["string", "null"], description: "null: a birth" },
      to: { type: "string" },
      event: { type: "string" },
      count: integer,
      last_seq: integer,
      last_wall: number,
    }),
  },
});
export const restartsView = object({
  from_wall: number,
  to_wall: number,
  services: { type: "object", additionalProperties: { type: "array", items: integer } },
});
export const logsView = object(
  {
    file: { type: "string" },
    lines: {
      type: "array",
      items: object({
        wall: number,
        stream: { type: "string", enum: ["stdout", "stderr"] },
        text: { type: "string", description: "As the service wrote it" },
        incarnation: { type: ["string", "null"] },
      }),
    },
    more_before: { type: "boolean" },
    more_after: { type: "boolean" },
    note: { type: "string" },
  },
  ["note"],
);
