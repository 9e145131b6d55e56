import { DURATION_ALLOWED } from "../base/duration.ts";

/** Longest text the kernel takes as one argument or variable. Source: execve(2), MAX_ARG_STRLEN, less its NUL. */
export const MAX_TEXT = 131_071;

export const NO_NUL = "^[^\\u0000]*$";
const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";

/** What a name of a service looks like, in words. */
const NAME_ALLOWED =
  "1 to 63 of A-Z, a-z, 0-9, _, . and -, beginning with a letter or digit, and not signal";

export const nameSchema = {
  type: "string",
  pattern: NAME_PATTERN,
  not: { const: "signal" },
  "x-allowed": NAME_ALLOWED,
} as const;

/** Text that is not empty, has no NUL and at most so many characters. */
export const text = (maxLength: number) =>
  ({ type: "string", minLength: 1, maxLength, pattern: NO_NUL }) as const;

export const nullable = { nullable: true } as const;

export const duration = {
  type: "string",
  format: "duration",
  "x-allowed": DURATION_ALLOWED,
} as const;

export const positiveDuration = {
  type: "string",
  format: "positive-duration",
  "x-allowed": "a duration such as 500ms, 5s or 1m30s, more than 0",
} as const;

export const port = { type: "integer", minimum: 1, maximum: 65_535 } as const;

/** A program and its arguments, as one list. */
export const command = {
  type: "array",
  minItems: 1,
  maxItems: 1_000,
  items: {
    type: "string",
    maxLength: MAX_TEXT,
    pattern: NO_NUL,
    "x-allowed": "text without NUL",
  },
  "x-allowed": "a program and its arguments as a list",
} as const;

/** A variable of the daemon's own, read at each start. */
const daemonVariable = {
  type: "object",
  additionalProperties: false,
  required: ["$env"],
  properties: { $env: { type: "string", maxLength: 255, pattern: "^[A-Za-z_][A-Za-z0-9_]*$" } },
} as const;

/** A value of `env`: a text, or the name of a variable of the daemon's. */
export const envValue = {
  anyOf: [{ type: "string", maxLength: MAX_TEXT, pattern: NO_NUL }, daemonVariable],
  "x-allowed": 'a text without NUL, or {"$env": "NAME"} for a variable of the daemon',
  "x-secret": true,
} as const;

export const backoff = {
  type: "object",
  additionalProperties: false,
  description: "How long to wait before the next try, and how that grows",
  properties: {
    first: { ...duration, default: "200ms" },
    factor: { type: "number", minimum: 1, maximum: 100, default: 2 },
    max: { ...duration, default: "30s" },
    jitter: { type: "number", minimum: 0, maximum: 1, default: 0.2 },
    reset_after: { ...duration, default: "30s" },
  },
} as const;

/** The largest number of a user or group; the one above it means "leave as it is". Source: chown(2), setresuid(2). */
export const MAX_ID = 4_294_967_294;

/** A user or group: its name, or its number as a number or as text. Source: useradd(8), and names with a domain. */
export const account = (what: "user" | "group") =>
  ({
    type: ["integer", "string"],
    minimum: 0,
    maximum: MAX_ID,
    maxLength: 255,
    pattern: "^[A-Za-z0-9_][A-Za-z0-9_.@-]*\\$?$",
    "x-allowed": `the name or number of a ${what}`,
  }) as const;

export const umask = {
  type: "string",
  pattern: "^0?[0-7]{1,3}$",
  "x-allowed": 'an octal number as text, up to "0777", such as "0027"',
} as const;

export const exitCodes = {
  type: "array",
  maxItems: 256,
  uniqueItems: true,
  items: { type: "integer", minimum: 0, maximum: 255 },
  "x-allowed": "a list of different whole numbers from 0 to 255",
} as const;

/** What a label looks like, in words. */
const LABEL_NAME_ALLOWED =
  "1 to 63 of A-Z, a-z, 0-9, _, ., / and -, beginning with a letter or digit";
const LABEL_VALUE_ALLOWED = "printable text of at most 255 characters";

export const labels = {
  type: "object",
  maxProperties: 64,
  "x-allowed": "an object of names with texts, at most 64",
  propertyNames: {
    type: "string",
    pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$",
    "x-allowed": LABEL_NAME_ALLOWED,
  },
  additionalProperties: {
    type: "string",
    maxLength: 255,
    pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    "x-allowed": LABEL_VALUE_ALLOWED,
  },
} as const;

const oneLabel = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}=" } as const;

/** Labels that services are chosen by, as a query has them: one, or several that must all be there. */
export const labelQuery = {
  anyOf: [oneLabel, { type: "array", maxItems: 64, items: oneLabel }],
  "x-allowed": "a label with its value, NAME=VALUE",
} as const;
