import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError, messageOf } from "../../base/errors.ts";
import { addressText, type ListenAddress } from "../../config/listen.ts";
import { sourceOf } from "./guesses.ts";

/** How much of us one address, and all of them, may have. */
export interface TcpLimits {
  /** Connections at once. */
  connections: number;
  connectionsPerAddress: number;
  /** A connection that takes nothing of what is sent to it is cut after so many milliseconds. */
  stallMs: number;
}

export const TCP_LIMITS: TcpLimits = {
  connections: 256,
  connectionsPerAddress: 128,
  stallMs: 60_000,
};

/** The API's listener for TCP. */
export interface TcpListener {
  /** Where it listens, with the port that it got. */
  readonly address: ListenAddress;
  /** Takes no more connections. Resolves when the last is gone. */
  close(): Promise<void>;
  /** Cuts what is left. */
  cut(): void;
}

/** Peers that are gone without a word, as after a power cut, are found out so soon, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/**
 * Cuts connections whose other end takes nothing: time without any progress, and something to send. One that is idle
 * because there is nothing to say stays.
 */
export function cutStalled(server: Server, stallMs: number): void {
  server.timeout = stallMs;
  server.on("timeout", (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(stallMs); // it fires once after every progress
  });
}

/** Closes connections of an address that has too many. */
function limitPerAddress(server: Server, limit: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const source = sourceOf(socket.remoteAddress ?? "");
    const count = (counts.get(source) ?? 0) + 1;
    counts.set(source, count);
    socket.once("close", () => {
      const left = (counts.get(source) ?? 1) - 1;
      if (left > 0) counts.set(source, left);
      else counts.delete(source);
    });
    if (count > limit) socket.destroy();
  });
}

const unusable = (address: ListenAddress, error: unknown): AppError =>
  new AppError(
    "socket_unusable",
    `the API cannot listen on ${addressText(address)}: ${messageOf(error)}. Name another address with --listen`,
    { cause: error },
  );

/** Every interface: both families in one, and IPv4 alone where the machine has no IPv6. */
async function listenEverywhere(server: Server, port: number): Promise<void> {
  try {
    await listening(server, { host: "::", port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") throw error;
    await listening(server, { host: "0.0.0.0", port });
  }
}

function listening(server: Server, { host, port }: Required<ListenAddress>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * Listens for TCP.
 *
 * @param remember called with every connection before its first request is read
 * @throws AppError `socket_unusable` where the address is taken or not this machine's
 */
export async function listenOnTcp(options: {
  address: ListenAddress;
  http: ServerOptions;
  limits: TcpLimits;
  remember: (socket: Socket) => void;
  onRequest: RequestListener;
  onClientError: (error: Error & { code?: string }, socket: Socket) => void;
}): Promise<TcpListener> {
  const { address, limits } = options;
  const server = createServer(
    {
      ...options.http,
      requireHostHeader: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    },
    options.onRequest,
  );
  server.maxConnections = limits.connections;
  server.on("connection", options.remember);
  server.on("clientError", options.onClientError);
  limitPerAddress(server, limits.connectionsPerAddress);
  cutStalled(server, limits.stallMs);
  try {
    if (address.host === undefined) await listenEverywhere(server, address.port);
    else await listening(server, { host: address.host, port: address.port });
  } catch (error) {
    throw unusable(address, error);
  }
  const { address: host, port } = server.address() as AddressInfo; // it listens on a port
  return {
    address: { host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}
