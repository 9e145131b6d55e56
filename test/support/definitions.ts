import * as fc from "fast-check";
import type { ServiceDefinition } from "../../machines/definition.ts";

/** A field that may be absent. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const ms = fc.oneof(fc.nat(5_000), fc.nat(24 * 24 * 3_600_000));
const positiveMs = ms.map((value) => Math.max(1, value));

const NO_NUL = /\u0000/; // oxlint-disable-line no-control-regex -- what a text of the kernel's cannot hold
const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((one) => !NO_NUL.test(one));
const filledText = text.filter((one) => one !== "");
const name = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,10}$/)
  .filter((one) => one !== "signal");
const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/);
const path = text.map((one) => `/${one}`);
const account = fc.oneof(
  fc.nat(4_294_967_294).map(String),
  fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,20}\$?$/),
);
const program = fc
  .tuple(filledText, fc.array(text, { maxLength: 4 }))
  .map(([cmd, args]) => [cmd, ...args]);

const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((address) => new URL(`http://[${address}]/`).hostname.slice(1, -1)),
  fc.constantFrom("db", "example.com"),
);
const at = { port, ...{ host: maybe(host) } };
const http = fc
  .record({ ...at, path: fc.webPath().map((one) => (one.startsWith("/") ? one : `/${one}`)) })
  .map((probe) => ({ kind: "http" as const, ...probe }))
  .filter(({ port: number, path: given }) => {
    const { pathname, search } = new URL(`http://localhost:${number}${given}`);
    return pathname + search === given;
  });
const tcp = fc.record(at).map((probe) => ({ kind: "tcp" as const, ...probe }));
const exec = program.map((command) => ({ kind: "exec" as const, command }));
const probe = fc.oneof(http, tcp, exec);

const readiness = fc.oneof(
  probe,
  filledText
    .filter((one) => !/[\r\n]/.test(one))
    .map((one) => ({ kind: "log" as const, text: one })),
  fc.constant({ kind: "notify" as const }),
  fc.integer({ min: 3, max: 1_023 }).map((fd) => ({ kind: "fd" as const, fd })),
);

const backoff = fc
  .record({
    firstMs: maybe(fc.nat(200)),
    factor: maybe(fc.double({ min: 1, max: 100, noNaN: true })),
    maxMs: maybe(fc.integer({ min: 200, max: 3_600_000 })),
    jitter: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs)),
    resetAfterMs: maybe(ms),
  })
  .filter((one) => Object.values(one).some((value) => value !== undefined));

const healthCheck = fc.record({
  probe,
  everyMs: maybe(positiveMs),
  timeoutMs: maybe(positiveMs),
  failures: maybe(fc.integer({ min: 1, max: 1_000 })),
});

const labelName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,20}$/);
const labelValue = fc.stringMatching(/^[ -~\u00a0-\uffff]{0,20}$/);

/** Every field of a definition, with values that it may have: `cmd` always, any other maybe. A field without an arbitrary does not compile. */
export const FIELDS: { [Field in keyof Required<ServiceDefinition>]: fc.Arbitrary<unknown> } = {
  cmd: filledText.filter((one) => !/\s/.test(one)),
  args: fc.array(text, { minLength: 1, maxLength: 4 }),
  env: fc.dictionary(variable, fc.oneof(text, fc.record({ $env: variable })), {
    minKeys: 1,
    maxKeys: 4,
  }),
  envFile: path,
  dir: path,
  user: account,
  group: account,
  umask: fc.integer({ min: 0, max: 0o777 }),
  needs: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
  httpPort: port,
  restart: fc.constantFrom("always", "on-failure", "never"),
  successExitCodes: fc
    .uniqueArray(fc.nat(255), { minLength: 1, maxLength: 5 })
    .map((codes) => codes.toSorted((a, b) => a - b)),
  backoff,
  maxFailures: fc.integer({ min: 1, max: 1_000 }),
  windowMs: positiveMs,
  stopSignal: fc.constantFrom("TERM", "INT", "QUIT", "USR1", "WINCH", "RTMIN+3"),
  stopTimeoutMs: ms,
  stopCommand: program,
  ready: readiness,
  readyTimeoutMs: positiveMs,
  health: healthCheck,
  oneshot: fc.boolean(),
  watch: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
  labels: fc.dictionary(labelName, labelValue, { minKeys: 1, maxKeys: 4 }),
};

/** Without what is undefined, at any depth. */
function plain<T>(value: T): T {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)])) as T; // only undefined was left out
}

/** Definitions as the machine has them, each alone; values of `env` in clear. */
export const definitions: fc.Arbitrary<ServiceDefinition> = fc
  .record(FIELDS, { requiredKeys: ["cmd"] })
  .map((definition) => plain(definition) as ServiceDefinition); // FIELDS makes each field as it may be
