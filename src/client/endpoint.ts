import { connect, isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { AppError } from "../base/errors.ts";
import { opened } from "./http.ts";
import { reach } from "./reach.ts";

/** Where a daemon is, and what every request to it carries. */
export interface Endpoint {
  /** @throws AppError `daemon_unreachable`, or `unauthorized` for a socket that is not for us */
  open(): Promise<Socket>;
  headers: Readonly<Record<string, string>>;
  /** Stands before every path: "" or `/supervisor`. */
  prefix: string;
}

/** A daemon on this machine. @param paths where its socket may be, in order */
export const socketEndpoint = (paths: readonly string[]): Endpoint => ({
  open: () => reach(paths),
  headers: {},
  prefix: "",
});

/** How long a connection over TCP may take to stand, in milliseconds. */
const CONNECT_MS = 10_000;
/** A connection on which nothing comes is tried by the kernel after so long, in milliseconds: who watches notices a machine that is gone. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A daemon's TCP listener.
 *
 * @param text `http://host:port`, or `https://host/path` of what stands before it
 * @throws AppError `invalid_request` for what is no such URL, carries a secret, or a token that no header can hold
 */
export function urlEndpoint(text: string, token: string | undefined): Endpoint {
  const url = baseUrl(text);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw wrong(
      "the token has characters that no HTTP header takes: printable ASCII without spaces",
    );
  }
  return {
    open: () => openUrl(url),
    headers: { Host: url.host, ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    prefix: url.pathname.replace(/\/+$/, ""),
  };
}

const wrong = (message: string): AppError => new AppError("invalid_request", message);

function baseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw wrong(
      `"${text.slice(0, 80)}" is no URL of a daemon: write http://host:port or https://host:port`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw wrong(
      "the URL of the daemon must not hold a secret: the token goes into the environment, as SPRITE_HTTP_API_TOKEN",
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw wrong("the URL of the daemon ends with its path: leave away what stands after ? or #");
  }
  return url;
}

async function openUrl(url: URL): Promise<Socket> {
  const { socket, event } = begun(url);
  socket.setTimeout(CONNECT_MS, () =>
    socket.destroy(Object.assign(new Error("too late"), { code: "ETIMEDOUT" })),
  );
  try {
    await opened(socket, event);
  } catch (error) {
    throw unreachable(url, error);
  }
  socket.setTimeout(0);
  socket.removeAllListeners("timeout");
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

function begun(url: URL): { socket: Socket; event: string } {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (url.protocol === "http:") {
    return { socket: connect({ host, port: Number(url.port || 80) }), event: "connect" };
  }
  const tls = process.getBuiltinModule("node:tls"); // 10 ms that nobody else shall pay
  const servername = isIP(host) ? {} : { servername: host };
  const socket: TLSSocket = tls.connect({ host, port: Number(url.port || 443), ...servername });
  return { socket, event: "secureConnect" };
}

/** What is wrong with an address, in words. */
const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "no machine has that name",
  EAI_AGAIN: "names cannot be looked up now",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no way leads there",
  ENETUNREACH: "no way leads there",
};

const TRUST = /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/;

function unreachable(url: URL, cause: unknown): AppError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const why = TRUST.test(code)
    ? `its certificate is not trusted (${code}); name its authority in NODE_EXTRA_CA_CERTS`
    : (WHY[code] ?? (code || message));
  return new AppError("daemon_unreachable", `no daemon answers at ${url.origin}: ${why}`, {
    cause,
  });
}
