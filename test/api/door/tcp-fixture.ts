import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ServiceCommands } from "../../../src/commands/ports.ts";
import type { ApiOptions } from "../../../src/api/server.ts";
import { apiConfig, fakeApi } from "../fake-services.ts";

export const TOKEN = "a-token-of-the-test-0123456789";
export const READER = "a-reader-of-the-test-0123456789";

/** An API that listens for TCP on loopback, with a token that may do everything and one that may read. */
export async function tcpApi(
  answers: Partial<ServiceCommands> = {},
  options: Partial<ApiOptions> = {},
) {
  const dir = mkdtempSync(join(tmpdir(), "sprite-tcp-"));
  const socketPath = join(dir, "api.sock");
  const config = apiConfig({ socketPath, apiListen: { host: "127.0.0.1", port: 0 } });
  const tokens = [
    { name: "ci", token: TOKEN, readOnly: false },
    { name: "board", token: READER, readOnly: true },
  ];
  const fake = fakeApi(answers, { config, tokens, ...options });
  const listen = (await fake.api.listen()) ?? "";
  const port = Number(listen.split(":").at(-1));
  onTestFinished(async () => {
    await fake.api.close();
    rmSync(dir, { recursive: true });
  });
  return { ...fake, port, socketPath, listen };
}

export interface TcpQuestion {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** null: none is sent. */
  token?: string | null;
  /** The address it comes from, of 127/8. */
  from?: string;
}

/** Sends a request and resolves with the response as soon as its headers are there. */
export function askTcp(port: number, question: TcpQuestion = {}): Promise<IncomingMessage> {
  const { path = "/v1/services", method = "GET", body, token = TOKEN, from } = question;
  const headers = {
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...question.headers,
  };
  return new Promise((resolve, reject) => {
    const local = from === undefined ? {} : { localAddress: from };
    const options = { host: "127.0.0.1", port, path, method, headers, agent: false, ...local };
    const outgoing = request(options, resolve);
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** A connection that says what it is told to, and what came back. */
export function rawTcp(port: number, text = "", from?: string) {
  const socket: Socket = connect({
    host: "127.0.0.1",
    port,
    ...(from !== undefined && { localAddress: from }),
  });
  onTestFinished(() => void socket.destroy());
  const state = { text: "", isClosed: false };
  socket.on("data", (chunk: Buffer) => (state.text += chunk.toString("latin1")));
  socket.on("error", () => {});
  socket.on("close", () => (state.isClosed = true));
  socket.write(text);
  return { socket, state };
}
