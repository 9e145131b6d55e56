import { mkdtempSync, rmSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceCommands } from "../../src/commands/ports.ts";
import type { ApiOptions } from "../../src/api/server.ts";
import { apiConfig, fakeApi } from "./fake-services.ts";

/** An API on a real socket in a directory of its own. */
export async function liveApi(
  answers: Partial<ServiceCommands> = {},
  options: Partial<ApiOptions> = {},
) {
  const dir = mkdtempSync(join(tmpdir(), "sprite-api-"));
  const socketPath = join(dir, "api.sock");
  const fake = fakeApi(answers, { config: apiConfig({ socketPath }), ...options });
  await fake.api.listen();
  const end = async (): Promise<void> => {
    await fake.api.close();
    rmSync(dir, { recursive: true });
  };
  return { ...fake, dir, socketPath, end };
}

/** Sends a request and resolves with the response as soon as its headers are there. */
export function ask(
  socketPath: string,
  path: string,
  options: { method?: string; body?: string | Buffer; headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method = "GET", body, headers = {} } = options;
    const outgoing = request({ socketPath, path, method, headers, agent: false }, resolve);
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** Waits until something is so; fails after ten seconds. */
export async function until(isSo: () => boolean): Promise<void> {
  const giveUp = Date.now() + 10_000;
  while (!isSo()) {
    if (Date.now() > giveUp) throw new Error(`never came true: ${String(isSo)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
