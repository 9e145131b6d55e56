import { DURATION_ALLOWED } from "../base/duration.ts";

/** Longest text the kernel takes as one argument or variable. Source: execve(2), MAX_ARG_STRLEN, less its NUL. */
export const MAX_TEXT = 131_071;

export const NO_NUL = "^[^\\u0000]*$";
const NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";

/** What a name of a service looks like, in words. */
export const NAME_ALLOWED =
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

const positiveDuration = {
  type: "string",
  format: "positive-duration",
  "x-allowed": "a duration such as 500ms, 5s or 1m30s, more than 0",
} as const;

export const port = { type: "integer", minimum: 1, maximum: 65_535 } as const;

const host = {
  type: "string",
  minLength: 1,
  maxLength: 255,
  pattern: "^[A-Za-z0-9.:_-]+$",
  "x-allowed": "a host name or address",
} as const;

const PROBES_ALLOWED = {
  http: 'a URL such as "http://localhost:3000/healthz", or {"port": 3000, "path": "/healthz"}',
  tcp: 'a port, "localhost:5432", or {"port": 5432}',
  exec: "a program and its arguments as a list",
} as const;

const httpProbe = {
  "x-allowed": PROBES_ALLOWED.http,
  anyOf: [
    { type: "string", maxLength: 2_048, pattern: "^http://[^\\u0000-\\u0020]+$" },
    {
      type: "object",
      additionalProperties: false,
      required: ["port"],
      properties: {
        port,
        path: { type: "string", maxLength: 2_048, pattern: "^/[^\\u0000-\\u0020#]*$" },
        host,
      },
    },
  ],
} as const;

const tcpProbe = {
  "x-allowed": PROBES_ALLOWED.tcp,
  anyOf: [
    port,
    {
      type: "string",
      maxLength: 300,
      pattern: "^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])?:[0-9]{1,5}$",
    },
    { type: "object", additionalProperties: false, required: ["port"], properties: { port, host } },
  ],
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

export const health = {
  type: "object",
  additionalProperties: false,
  "x-allowed": "an object with one of http, tcp and exec, and maybe every, timeout and failures",
  description:
    "How a running service is asked whether it is well. Past `failures` in a row its process is ended, which counts as a crash.",
  properties: {
    http: { ...httpProbe, description: "A GET that must be answered with 200 to 399" },
    tcp: { ...tcpProbe, description: "A connection that must be accepted" },
    exec: {
      type: "array",
      minItems: 1,
      maxItems: 1_000,
      items: {
        type: "string",
        maxLength: MAX_TEXT,
        pattern: NO_NUL,
        "x-allowed": "text without NUL",
      },
      "x-allowed": PROBES_ALLOWED.exec,
      description: "A command that must exit with 0",
    },
    every: { ...positiveDuration, default: "10s" },
    timeout: { ...positiveDuration, default: "5s" },
    failures: { type: "integer", minimum: 1, maximum: 1_000, default: 3 },
  },
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
