import type { IncomingHttpHeaders } from "node:http";

/** `bearer:TOKEN` in base64, as programs send it that know only names with passwords. */
function basicToken(encoded: string): string | undefined {
  const text = Buffer.from(encoded, "base64").toString("utf8");
  return text.startsWith("bearer:") ? text.slice("bearer:".length) : undefined;
}

/** The token of an `Authorization` header; "" where it holds none that we know how to read. Source: RFC 9110, section 11.6.2. */
function authorizationToken(header: string): string {
  const [, scheme = "", rest = ""] = /^\s*([^\s]+)\s+([^\s]+)\s*$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return rest;
    case "basic":
      return basicToken(rest) ?? "";
    default:
      return "";
  }
}

/** The token that an edge proxy passes on: `fly-replay-src: instance=x;state=TOKEN`, or the older `state=api:TOKEN`. */
function replayToken(header: string): string | undefined {
  const state = header
    .split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith("state="))
    ?.slice("state=".length);
  if (!state || state.startsWith("proxy::")) return undefined; // traffic of a sprite's URL, which has its own listener
  return state.startsWith("api:") ? state.slice("api:".length) : state;
}

/**
 * The token that came with a request: of `Authorization`, else of `fly-replay-src`. Undefined: none came.
 * A header that came and holds no token gives "", which no token is.
 */
export function presentedToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return authorizationToken(authorization);
  const replay = headers["fly-replay-src"];
  return replay === undefined ? undefined : replayToken([replay].flat().join(";"));
}
