import type {
  HealthCheck,
  Probe,
  Readiness,
  ServiceDefinition,
} from "../../machines/definition.ts";
import { formatDuration, parseDuration } from "../base/duration.ts";
import { badField } from "./refuse.ts";
import type { DefinitionBody } from "./schemas.ts";
import type { ServiceWire } from "./view-schemas.ts";

type HealthBody = NonNullable<DefinitionBody["health"]>;
type ReadyBody = NonNullable<DefinitionBody["ready"]>;
type HealthWire = NonNullable<ServiceWire["health"]>;
type ReadyWire = NonNullable<ServiceWire["ready"]>;
type Health = NonNullable<ServiceDefinition["health"]>;

/** What `health` and `ready` have in common. */
type ProbeBody = Pick<HealthBody, "http" | "tcp" | "exec">;

/** `localhost` is what an absent host means, so both are the same definition. Brackets are only how a URL writes an IPv6 address. */
const hostOf = (host: string | undefined): { host?: string } => {
  const bare = host?.replace(/^\[(.*)\]$/, "$1");
  return bare === undefined || bare === "" || bare === "localhost" ? {} : { host: bare };
};

const printedHost = (host = "localhost"): string => (host.includes(":") ? `[${host}]` : host);

function httpProbe(http: NonNullable<ProbeBody["http"]>, field: string): Probe {
  if (typeof http !== "string") {
    return { kind: "http", port: http.port, path: http.path ?? "/", ...hostOf(http.host) };
  }
  const url = URL.parse(http);
  if (!url || url.username !== "" || url.password !== "" || url.hash !== "" || url.port === "0") {
    throw badField(
      field,
      http,
      "a URL such as http://localhost:3000/healthz, without a password or fragment",
    );
  }
  const port = Number(url.port || "80");
  return { kind: "http", port, path: url.pathname + url.search, ...hostOf(url.hostname) };
}

function tcpProbe(tcp: NonNullable<ProbeBody["tcp"]>, field: string): Probe {
  if (typeof tcp === "number") return { kind: "tcp", port: tcp };
  if (typeof tcp === "object") return { kind: "tcp", port: tcp.port, ...hostOf(tcp.host) };
  const colon = tcp.lastIndexOf(":");
  const port = Number(tcp.slice(colon + 1));
  if (port < 1 || port > 65_535) throw badField(field, tcp, "a port from 1 to 65535");
  return { kind: "tcp", port, ...hostOf(tcp.slice(0, colon)) };
}

/**
 * A program and its arguments.
 *
 * @throws AppError `invalid_request` where the program is empty
 */
export function toCommand(command: string[], field: string): string[] {
  if (command[0] === "") throw badField(`${field}[0]`, "", "a program");
  return command;
}

/** The probes that were given, however many. */
const probesOf = ({ http, tcp, exec }: ProbeBody, field: string): Probe[] => [
  ...(http === undefined ? [] : [httpProbe(http, `${field}.http`)]),
  ...(tcp === undefined ? [] : [tcpProbe(tcp, `${field}.tcp`)]),
  ...(exec === undefined
    ? []
    : [{ kind: "exec" as const, command: toCommand(exec, `${field}.exec`) }]),
];

function healthProbe(health: HealthBody): Probe {
  const [probe, ...more] = probesOf(health, "health");
  if (probe && more.length === 0) return probe;
  throw badField("health", Object.keys(health), "exactly one of http, tcp and exec");
}

/**
 * A health check as it was asked for.
 *
 * @throws AppError `invalid_request` unless it has exactly one probe that makes sense
 */
export function toHealth(health: HealthBody): Health {
  const { every, timeout, failures } = health;
  return {
    probe: healthProbe(health),
    ...(every !== undefined && { everyMs: parseDuration(every, "health.every") }),
    ...(timeout !== undefined && { timeoutMs: parseDuration(timeout, "health.timeout") }),
    ...(failures !== undefined && { failures }),
  };
}

/**
 * Readiness as it was asked for.
 *
 * @throws AppError `invalid_request` unless it is of exactly one kind that makes sense
 */
export function toReadiness(ready: ReadyBody): Readiness {
  const { log, notify, fd } = ready;
  const kinds: Readiness[] = [
    ...probesOf(ready, "ready"),
    ...(log === undefined ? [] : [{ kind: "log" as const, text: log }]),
    ...(notify === undefined ? [] : [{ kind: "notify" as const }]),
    ...(fd === undefined ? [] : [{ kind: "fd" as const, fd }]),
  ];
  const [kind, ...more] = kinds;
  if (kind && more.length === 0) return kind;
  throw badField("ready", Object.keys(ready), "exactly one of http, tcp, exec, log, notify and fd");
}

function probeWire(probe: HealthCheck["probe"]): Pick<HealthWire, "http" | "tcp" | "exec"> {
  if (probe.kind === "exec") return { exec: [...probe.command] };
  const address = `${printedHost(probe.host)}:${probe.port}`;
  return probe.kind === "http" ? { http: `http://${address}${probe.path}` } : { tcp: address };
}

/** A health check as it is shown; PUT takes it back and reads the same. */
export const healthWire = ({ probe, everyMs, timeoutMs, failures }: Health): HealthWire => ({
  ...probeWire(probe),
  ...(everyMs !== undefined && { every: formatDuration(everyMs) }),
  ...(timeoutMs !== undefined && { timeout: formatDuration(timeoutMs) }),
  ...(failures !== undefined && { failures }),
});

/** Readiness as it is shown; PUT takes it back and reads the same. */
export function readyWire(ready: Readiness): ReadyWire {
  if (ready.kind === "log") return { log: ready.text };
  if (ready.kind === "notify") return { notify: true };
  return ready.kind === "fd" ? { fd: ready.fd } : probeWire(ready);
}
