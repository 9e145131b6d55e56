import type { HealthCheck, Probe, ServiceDefinition } from "../../machines/definition.ts";
import { formatDuration, parseDuration } from "../base/duration.ts";
import { badField } from "./refuse.ts";
import type { DefinitionBody } from "./schemas.ts";
import type { ServiceWire } from "./view-schemas.ts";

type HealthBody = NonNullable<DefinitionBody["health"]>;
type HealthWire = NonNullable<ServiceWire["health"]>;
type Health = NonNullable<ServiceDefinition["health"]>;

/** `localhost` is what an absent host means, so both are the same definition. Brackets are only how a URL writes an IPv6 address. */
const hostOf = (host: string | undefined): { host?: string } => {
  const bare = host?.replace(/^\[(.*)\]$/, "$1");
  return bare === undefined || bare === "" || bare === "localhost" ? {} : { host: bare };
};

const printedHost = (host = "localhost"): string => (host.includes(":") ? `[${host}]` : host);

function httpProbe(http: NonNullable<HealthBody["http"]>): Probe {
  if (typeof http !== "string") {
    return { kind: "http", port: http.port, path: http.path ?? "/", ...hostOf(http.host) };
  }
  const url = URL.parse(http);
  if (!url || url.username !== "" || url.password !== "" || url.hash !== "" || url.port === "0") {
    throw badField(
      "health.http",
      http,
      "a URL such as http://localhost:3000/healthz, without a password or fragment",
    );
  }
  const port = Number(url.port || "80");
  return { kind: "http", port, path: url.pathname + url.search, ...hostOf(url.hostname) };
}

function tcpProbe(tcp: NonNullable<HealthBody["tcp"]>): Probe {
  if (typeof tcp === "number") return { kind: "tcp", port: tcp };
  if (typeof tcp === "object") return { kind: "tcp", port: tcp.port, ...hostOf(tcp.host) };
  const colon = tcp.lastIndexOf(":");
  const port = Number(tcp.slice(colon + 1));
  if (port < 1 || port > 65_535) throw badField("health.tcp", tcp, "a port from 1 to 65535");
  return { kind: "tcp", port, ...hostOf(tcp.slice(0, colon)) };
}

const execProbe = (command: string[]): Probe => {
  if (command[0] === "") throw badField("health.exec[0]", "", "a program");
  return { kind: "exec", command };
};

function probeOf(health: HealthBody): Probe {
  const probes = [
    ...(health.http === undefined ? [] : [httpProbe(health.http)]),
    ...(health.tcp === undefined ? [] : [tcpProbe(health.tcp)]),
    ...(health.exec === undefined ? [] : [execProbe(health.exec)]),
  ];
  const [probe] = probes;
  if (probe && probes.length === 1) return probe;
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
    probe: probeOf(health),
    ...(every !== undefined && { everyMs: parseDuration(every, "health.every") }),
    ...(timeout !== undefined && { timeoutMs: parseDuration(timeout, "health.timeout") }),
    ...(failures !== undefined && { failures }),
  };
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
