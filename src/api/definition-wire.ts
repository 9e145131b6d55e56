import {
  DEFAULT_BACKOFF,
  type Backoff,
  type ServiceDefinition,
} from "../../machines/definition.ts";
import { formatDuration, parseDuration } from "../base/duration.ts";
import type { RequestedDefinition, ServiceCommands } from "../commands/ports.ts";
import { MAX_ID } from "./field-schemas.ts";
import { healthWire, readyWire, toCommand, toHealth, toReadiness } from "./probe-wire.ts";
import { badField } from "./refuse.ts";
import type { ChangeBody, DefinitionBody } from "./schemas.ts";
import { signalName } from "./signals.ts";
import type { ServiceWire } from "./view-schemas.ts";
import { WIRE_NAMES } from "./wire-names.ts";

/** What a service is shown with beside its name, program, variables and state. */
type DefinitionWire = Omit<ServiceWire, "name" | "cmd" | "args" | "env" | "env_names" | "state">;

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

/**
 * A user or group: the same number is the same one, however it is written.
 *
 * @throws AppError `invalid_request` for a number that the kernel does not have
 */
function accountOf(account: string | number, field: "user" | "group"): string {
  const text = String(account).replace(/^0+(?=\d+$)/, "");
  if (!/^\d+$/.test(text) || Number(text) <= MAX_ID) return text;
  throw badField(field, account, `a name, or a number of at most ${MAX_ID}`);
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

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
    ...given("user", body.user, (user) => accountOf(user, "user")),
    ...given("group", body.group, (group) => accountOf(group, "group")),
    ...given("umask", body.umask, (umask) => parseInt(umask, 8)),
    ...given("envFile", body.env_file, same),
    ...given("restart", body.restart, same),
    ...given("successExitCodes", body.success_exit_codes, (codes) => filled(ascending(codes))),
    ...given("backoff", body.backoff, (backoff) => filled(toBackoff(backoff))),
    ...given("maxFailures", body.max_failures, same),
    ...given("windowMs", body.window, (text) => parseDuration(text, "window")),
    ...given("stopSignal", body.stop_signal, (text) => signalName(text, "stop_signal")),
    ...given("stopTimeoutMs", body.stop_timeout, (text) => parseDuration(text, "stop_timeout")),
    ...given("stopCommand", body.stop_command, (command) => toCommand(command, "stop_command")),
    ...given("ready", body.ready, toReadiness),
    ...given("readyTimeoutMs", body.ready_timeout, (text) => parseDuration(text, "ready_timeout")),
    ...given("health", body.health, toHealth),
    ...given("oneshot", body.oneshot, same),
    ...given("watch", body.watch, filled),
    ...given("labels", body.labels, filled),
  };
}

/** The definition that a PUT asks for: what is null or empty is left out. */
export function toDefinition(body: DefinitionBody, name: string): RequestedDefinition {
  const entries = Object.entries(toChange(body, name)).filter(([, value]) => value !== null);
  return { cmd: body.cmd, ...Object.fromEntries(entries) };
}

/** A backoff as it is shown. */
const backoffWire = (backoff: Partial<Backoff>): NonNullable<ServiceWire["backoff"]> => ({
  ...(backoff.firstMs !== undefined && { first: formatDuration(backoff.firstMs) }),
  ...(backoff.factor !== undefined && { factor: backoff.factor }),
  ...(backoff.maxMs !== undefined && { max: formatDuration(backoff.maxMs) }),
  ...(backoff.jitter !== undefined && { jitter: backoff.jitter }),
  ...(backoff.resetAfterMs !== undefined && { reset_after: formatDuration(backoff.resetAfterMs) }),
});

const umaskWire = (umask: number): string => umask.toString(8).padStart(4, "0");

/** A field as it is shown, under the wire's name; nothing where it is absent. */
function shown<Field extends keyof ServiceDefinition, To>(
  definition: ServiceDefinition,
  field: Field,
  convert: (value: NonNullable<ServiceDefinition[Field]>) => To,
): { [K in (typeof WIRE_NAMES)[Field]]?: To } {
  const value = definition[field];
  const entry =
    value === undefined || value === null ? {} : { [WIRE_NAMES[field]]: convert(value) };
  return entry as { [K in (typeof WIRE_NAMES)[Field]]?: To }; // a computed key widens to string
}

/** The fields of a definition as they are shown, in the wire's order, but for `env`: who asks decides whether its values are. */
export const definitionWire = (definition: ServiceDefinition): DefinitionWire => ({
  ...shown(definition, "dir", same),
  needs: [...(definition.needs ?? [])],
  ...shown(definition, "httpPort", same),
  ...shown(definition, "user", same),
  ...shown(definition, "group", same),
  ...shown(definition, "umask", umaskWire),
  ...shown(definition, "envFile", same),
  ...shown(definition, "restart", same),
  ...shown(definition, "successExitCodes", (codes) => [...codes]),
  ...shown(definition, "backoff", backoffWire),
  ...shown(definition, "maxFailures", same),
  ...shown(definition, "windowMs", formatDuration),
  ...shown(definition, "stopSignal", same),
  ...shown(definition, "stopTimeoutMs", formatDuration),
  ...shown(definition, "stopCommand", (command) => [...command]),
  ...shown(definition, "ready", readyWire),
  ...shown(definition, "readyTimeoutMs", formatDuration),
  ...shown(definition, "health", healthWire),
  ...shown(definition, "oneshot", same),
  ...shown(definition, "watch", (paths) => [...paths]),
  ...shown(definition, "labels", (labels) => ({ ...labels })),
});
