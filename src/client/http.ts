import { connect, type Socket } from "node:net";
import { AppError } from "../base/errors.ts";
import { bodyOf } from "./body.ts";
import { ByteReader } from "./bytes.ts";
import { LostReply } from "./lost-reply.ts";
import { SocketSource } from "./socket-source.ts";

/*
 * Just enough HTTP/1.1 for our own daemon. `node:http` would do it, too, but costs a third of the time in which
 * `services list` starts and ends.
 */

export interface HttpRequest {
  method: string;
  /** With its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** How long the head of the reply may take, in milliseconds; absent: for ever. The body may always take its time. */
  headMs?: number | undefined;
  /** Gives up: the connection is closed, and the signal's reason thrown. */
  signal?: AbortSignal | undefined;
}

export interface HttpReply {
  status: number;
  /** The status line and the headers as they came, lines ended by `\r\n`. */
  head: string;
  /** By name in lower case. */
  headers: ReadonlyMap<string, string>;
  /** Can be read once. Leaving it early closes the connection. */
  body: AsyncGenerator<Buffer>;
}

const MAX_HEAD_LINE_BYTES = 65_536;
const MAX_HEADERS = 200;

/** Connects to a Unix socket. Rejects with the system's error (`ENOENT`, `ECONNREFUSED`, `EACCES`). */
export const openSocket = (path: string): Promise<Socket> => opened(connect({ path }), "connect");

/** Waits until a connection stands. Rejects with the system's error. @param event what tells that it does */
export function opened(socket: Socket, event: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(event, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/**
 * Sends a request and reads the head of the reply; the body is read by whoever wants it.
 *
 * @throws AppError `timed_out` when the head does not come in time, LostReply when the connection ends before it is whole; the reason of the
 *   signal where that ended it
 */
export async function exchange(socket: Socket, request: HttpRequest): Promise<HttpReply> {
  endWith(socket, request.signal);
  const timer = request.headMs && setTimeout(() => socket.destroy(late(request)), request.headMs);
  const reader = new ByteReader(new SocketSource(socket));
  try {
    send(socket, request);
    const { status, head, headers } = await finalHead(reader);
    const { method, signal } = request;
    const body = bodyOf(reader, { method, status, headers, signal });
    return { status, head, headers, body };
  } catch (error) {
    socket.destroy();
    request.signal?.throwIfAborted();
    throw error instanceof AppError ? error : (tooLarge(request) ?? brokenOff(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Closes the connection when the signal is given. */
function endWith(socket: Socket, signal: AbortSignal | undefined): void {
  if (!signal) return;
  const end = (): void => void socket.destroy(new Error("given up"));
  if (signal.aborted) return end();
  signal.addEventListener("abort", end, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", end));
}

/** Head and body in one write: a daemon that refuses by the head alone has closed before a second one. */
function send(socket: Socket, request: HttpRequest): void {
  socket.cork();
  socket.write(headOf(request));
  if (request.body !== undefined) socket.write(request.body);
  socket.uncork();
}

function headOf(request: HttpRequest): string {
  const length = request.body === undefined ? undefined : Buffer.byteLength(request.body);
  const headers = {
    Host: "sprite",
    Connection: "close",
    ...request.headers,
    ...(length !== undefined && { "Content-Length": String(length) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method} ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

type Head = Pick<HttpReply, "status" | "head" | "headers">;

/** The head that counts: interim ones (1xx) are passed over. */
async function finalHead(reader: ByteReader): Promise<Head> {
  for (;;) {
    const head = await readHead(reader);
    if (head.status >= 200) return head;
  }
}

async function readHead(reader: ByteReader): Promise<Head> {
  const first = await headLine(reader);
  const [, status] = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(first) ?? [];
  if (status === undefined) throw notHttp(first);
  const headers = new Map<string, string>();
  let head = `${first}\r\n`;
  for (let count = 0; count < MAX_HEADERS; count++) {
    const line = await headLine(reader);
    head += `${line}\r\n`;
    if (line === "") return { status: Number(status), head, headers };
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  throw notHttp(`more than ${MAX_HEADERS} headers`);
}

async function headLine(reader: ByteReader): Promise<string> {
  const line = await reader.line(MAX_HEAD_LINE_BYTES);
  if (line === undefined) throw brokenOff(undefined);
  return line;
}

/** So much the daemon takes in any case. */
const SURE_BODY_BYTES = 1 << 20;

/** A daemon that finds a body too long says so and closes; its words are lost where we were still writing. */
function tooLarge({ body = "" }: HttpRequest): AppError | undefined {
  const bytes = Buffer.byteLength(body);
  if (bytes <= SURE_BODY_BYTES) return undefined;
  return new AppError(
    "body_too_large",
    `the daemon closed the connection before it had read the whole body: ${bytes} bytes are more than it takes`,
  );
}

const late = ({ method, path, headMs }: HttpRequest): AppError =>
  new AppError(
    "timed_out",
    `the daemon did not answer ${method} ${path} within ${(headMs ?? 0) / 1000} s: it may be stuck on a slow disk; look into its own log`,
  );

const notHttp = (got: string): AppError =>
  new AppError(
    "daemon_unreachable",
    `what listens on the socket is no sprite-env daemon: it answered ${JSON.stringify(got.slice(0, 60))}`,
  );

/** The daemon went away in the middle: whether it took the request is not known. */
const brokenOff = (cause: unknown): LostReply =>
  new LostReply(
    "the daemon closed the connection before its reply was whole (it was stopped or killed): what was asked for may have been recorded; " +
      "`sprite-env services list` tells once a daemon runs again",
    cause,
  );
