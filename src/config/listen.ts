import { AppError } from "../base/errors.ts";

/** Where the API listens for TCP. */
export interface ListenAddress {
  /** A name or an address without brackets; absent: every interface. */
  host?: string;
  /** 0: whichever is free. */
  port: number;
}

/** What an address to listen on looks like: `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. */
export const LISTEN_PATTERN = "^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]*):[0-9]{1,5}$";
export const LISTEN_ALLOWED =
  'host:port, such as "127.0.0.1:8080" or "[::1]:8080"; ":8080" is every interface';

const MAX_PORT = 65_535;

/**
 * Reads an address that fits `LISTEN_PATTERN`.
 *
 * @param key where it stands, for the message
 * @throws AppError `config_invalid` for a port that no machine has
 */
export function listenAddress(text: string, key: string): ListenAddress {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (Number(port) > MAX_PORT) {
    throw new AppError(
      "config_invalid",
      `${key} is "${text}": allowed is a port from 0 to ${MAX_PORT}`,
      { details: { field: key, value: text, allowed: LISTEN_ALLOWED } },
    );
  }
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return { ...(bare !== "" && { host: bare }), port: Number(port) };
}

/** Whether only this machine can reach it. A name other than `localhost` may be anywhere. Source: RFC 1122, 3.2.1.3; RFC 4291, 2.5.3. */
export const isLoopback = ({ host }: ListenAddress): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host ?? "");

/** An address as people write it. */
export function addressText({ host = "", port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
