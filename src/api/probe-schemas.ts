import { command, port, positiveDuration } from "./field-schemas.ts";

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

export const health = {
  type: "object",
  additionalProperties: false,
  "x-allowed": "an object with one of http, tcp and exec, and maybe every, timeout and failures",
  description:
    "How a running service is asked whether it is well. Past `failures` in a row its process is ended, which counts as a crash.",
  properties: {
    http: { ...httpProbe, description: "A GET that must be answered with 200 to 399" },
    tcp: { ...tcpProbe, description: "A connection that must be accepted" },
    exec: { ...command, description: "A command that must exit with 0" },
    every: { ...positiveDuration, default: "10s" },
    timeout: { ...positiveDuration, default: "5s" },
    failures: { type: "integer", minimum: 1, maximum: 1_000, default: 3 },
  },
} as const;

/** Descriptors 0 to 2 are input and output; above 1023 some programs and the usual soft limit end. */
const FD_ALLOWED = "a whole number from 3 to 1023";

export const ready = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  "x-allowed": "an object with exactly one of http, tcp, exec, log, notify and fd",
  description:
    "How a service shows that it is ready; until then it is `starting`, and what needs it waits.",
  properties: {
    http: { ...httpProbe, description: "A GET that must be answered with 200 to 399" },
    tcp: { ...tcpProbe, description: "A connection that must be accepted" },
    exec: { ...command, description: "A command that must exit with 0" },
    log: {
      type: "string",
      minLength: 1,
      maxLength: 1_024,
      pattern: "^[^\\u0000\\r\\n]*$",
      "x-allowed": "text of 1 to 1024 characters, without line breaks",
      description: "A line of its output must hold this text",
    },
    notify: {
      type: "boolean",
      const: true,
      "x-allowed": "true",
      description: "It must send READY=1 to the socket that NOTIFY_SOCKET names, as for systemd",
    },
    fd: {
      type: "integer",
      minimum: 3,
      maximum: 1_023,
      "x-allowed": FD_ALLOWED,
      description: "It must write a newline to this descriptor, as for s6",
    },
  },
} as const;
