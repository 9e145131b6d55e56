import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporary } from "../cli/harness.ts";

/** A request as it came. */
export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Serve = (asked: Asked, response: ServerResponse, count: number) => void;

async function read(request: IncomingMessage): Promise<Asked> {
  let body = "";
  for await (const piece of request) body += String(piece);
  const { method = "", url = "", headers } = request;
  return { method, url, headers, body };
}

function serverOf(serve: Serve): { server: Server; asked: Asked[] } {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void read(request).then((one) => serve(one, response, asked.push(one)));
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, asked };
}

/** An HTTP server on a Unix socket of its own; `count` is 1 for the first request. */
export async function onSocket(
  serve: Serve,
): Promise<{ socket: string; asked: Asked[]; server: Server }> {
  const folder = temporary();
  const socket = join(folder.path, "s");
  const made = serverOf(serve);
  onTestFinished(folder.remove);
  await new Promise<void>((resolve) => made.server.listen(socket, resolve));
  return { socket, ...made };
}

/** An HTTP server on a port of this machine. */
export async function onPort(serve: Serve): Promise<{ url: string; asked: Asked[] }> {
  const { server, asked } = serverOf(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { url: `http://127.0.0.1:${port}`, asked };
}

/** Answers with JSON. */
export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
};
