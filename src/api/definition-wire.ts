import { DEFAULT_BACKOFF, type Backoff } from "../../machines/definition.ts";
import { formatDuration, parseDuration } from "../base/duration.ts";
import type { RequestedDefinition, ServiceCommands } from "../commands/ports.ts";
import { toHealth } from "./probe-wire.ts";
import { badField } from "./refuse.ts";
import type { ChangeBody, DefinitionBody } from "./schemas.ts";
import type { ServiceWire } from "./view-schemas.ts";

/** What PATCH asks for: null removes. */
export type DefinitionChange = Parameters<ServiceCommands["update"]>[1];

type BackoffBody = NonNullable<DefinitionBody["backoff"]>;

/** A field where it was given. */
function given<Key extends string, From, To>(
  key: Key,
  value: From | null | undefined,
  convert: (value: From) => To | null,
): { [K in Key]?: To | null } {
  if (value === undefined) return {};
  const converted = value === null ? null : convert(value);
  return { [key]: converted } as { [K in Key]?: To | null }; // a computed key widens to string
}

const same = <Value>(value: Value): Value => value;

/** An empty list or object is the same as none. */
const filled = <Value extends object>(value: Value): Value | null =>
  Object.keys(value).length === 0 ? null : value;

/** http_port in either spelling. Both only where they agree. */
function portOf(body: ChangeBody): number | null | undefined {
  const { http_port, httpPort } = body;
  if (http_port !== undefined && httpPort !== undefined && http_port !== httpPort) {
    throw badField(
      "httpPort",
      httpPort,
      `the same as http_port (${http_port}), or only one of them`,
    );
  }
  return http_port === undefined ? httpPort : http_port;
}

function toBackoff(body: BackoffBody): Partial<Backoff> {
  const { first, max, reset_after, factor, jitter } = body;
  const backoff: Partial<Backoff> = {
    ...(first !== undefined && { firstMs: parseDuration(first, "backoff.first") }),
    ...(factor !== undefined && { factor }),
    ...(max !== undefined && { maxMs: parseDuration(max, "backoff.max") }),
    ...(jitter !== undefined && { jitter }),
    ...(reset_after !== undefined && {
      resetAfterMs: parseDuration(reset_after, "backoff.reset_after"),
    }),
  };
  const { firstMs, maxMs } = { ...DEFAULT_BACKOFF, ...backoff };
  if (firstMs <= maxMs) return backoff;
  throw badField(
    "backoff.first",
    formatDuration(firstMs),
    `at most backoff.max, ${formatDuration(maxMs)}`,
  );
}

function refuseOtherName(body: ChangeBody, name: string): void {
  if (body.name !== undefined && body.name !== name) {
    throw badField("name", body.name, `the name in the path, ${name}`);
  }
}

/**
 * What a PATCH asks for. `state` is left aside, so that what was read can be sent back.
 *
 * @throws AppError `invalid_request` naming field, value and what is allowed
 */
export function toChange(body: ChangeBody, name: string): DefinitionChange {
  refuseOtherName(body, name);
  return {
    ...(body.cmd !== undefined && { cmd: body.cmd }),
    ...given("args", body.args, filled),
    ...given("env", body.env, filled),
    ...given("dir", body.dir, same),
    ...given("needs", body.needs, filled),
    ...given("httpPort", portOf(body), same),
    ...given("restart", body.restart, same),
    ...given("backoff", body.backoff, (backoff) => filled(toBackoff(backoff))),
    ...given("health", body.health, toHealth),
  };
}

/** The definition that a PUT asks for: what is null or empty is left out. */
export function toDefinition(body: DefinitionBody, name: string): RequestedDefinition {
  const entries = Object.entries(toChange(body, name)).filter(([, value]) => value !== null);
  return { cmd: body.cmd, ...Object.fromEntries(entries) };
}

/** A backoff as it is shown. */
export const backoffWire = (backoff: Partial<Backoff>): NonNullable<ServiceWire["backoff"]> => ({
  ...(backoff.firstMs !== undefined && { first: formatDuration(backoff.firstMs) }),
  ...(backoff.factor !== undefined && { factor: backoff.factor }),
  ...(backoff.maxMs !== undefined && { max: formatDuration(backoff.maxMs) }),
  ...(backoff.jitter !== undefined && { jitter: backoff.jitter }),
  ...(backoff.resetAfterMs !== undefined && { reset_after: formatDuration(backoff.resetAfterMs) }),
});
