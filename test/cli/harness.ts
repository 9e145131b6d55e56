import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { bundleCli } from "../../scripts/build.ts";

/** The CLI as Node runs it from its sources, with the daemon behind it. */
export const SOURCE = fileURLToPath(new URL("../../src/cli/sprite-env.ts", import.meta.url));

let built: { folder: ReturnType<typeof temporary>; ready: Promise<void> } | undefined;

afterAll(() => built?.folder.remove());

/** The CLI as it is built, without the daemon: starts four times as fast as from its sources. */
export async function builtCli(): Promise<string> {
  if (!built) {
    const folder = temporary();
    built = { folder, ready: bundleCli(folder.path).then(() => {}) };
  }
  await built.ready;
  return join(built.folder.path, "sprite-env.cjs");
}

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Answers a request: a value goes out as JSON, a list of lines as NDJSON. */
export type Answer = (request: Seen, response: ServerResponse) => unknown;

export interface FakeDaemon {
  socket: string;
  seen: Seen[];
  close: () => Promise<void>;
}

/** A temporary folder, with what removes it. */
export function temporary(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "sprite-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer); // no encoding is set
  return Buffer.concat(pieces).toString();
}

/** A real HTTP server on a temporary Unix socket, by `METHOD path` without the query; anything else is 404. */
export async function fakeDaemon(answers: Record<string, Answer>): Promise<FakeDaemon> {
  const folder = temporary();
  const socket = join(folder.path, "api.sock");
  const seen: Seen[] = [];
  const server = createServer((incoming, response) => {
    void answerOne(incoming, response);
  });
  const answerOne = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = incoming;
    const request = { method, url, headers, body: await bodyOf(incoming) };
    seen.push(request);
    const answer = answers[`${method} ${url.split("?")[0]}`] ?? notFound;
    send(response, answer(request, response));
  };
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  };
  return { socket, seen, close };
}

const notFound: Answer = failing(404, "service_not_found", 'no service named "nope"');

/** An answer with one of the daemon's errors. */
export function failing(status: number, error: string, message: string): Answer {
  return (_request, response) => {
    response.statusCode = status;
    return { error, message };
  };
}

function send(response: ServerResponse, value: unknown): void {
  if (response.writableEnded || value === response) return;
  if (value === undefined) response.writeHead(204).end();
  else if (typeof value === "string") response.end(value);
  else response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
}

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  socket?: string | undefined;
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

/** Runs the CLI and waits for its end. */
export async function cli(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(process.execPath, ["--", await builtCli(), ...words], options); // as bin/launch.sh does: --env-file is ours
}

/** The same on a pseudo-terminal: standard output and error come as one. Source: script(1). */
export async function cliOnTerminal(
  words: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const command = [process.execPath, await builtCli(), ...words]
    .map((word) => `'${word}'`)
    .join(" ");
  return run("script", ["-qec", command, "/dev/null"], options);
}

export function run(
  program: string,
  args: readonly string[],
  { socket, env, input, cwd }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        ...(socket && { SPRITE_ENV_SOCKET: socket }),
        ...env,
      },
    });
    const ran: Ran = { code: null, signal: null, stdout: "", stderr: "" };
    child.stdout.on("data", (piece: Buffer) => (ran.stdout += piece.toString()));
    child.stderr.on("data", (piece: Buffer) => (ran.stderr += piece.toString()));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ...ran, code, signal }));
    child.stdin.on("error", () => undefined); // a program that ends without reading it
    child.stdin.end(input ?? "");
  });
}

/** The service of the documents, as the daemon gives it. */
export const WEB = {
  name: "web",
  cmd: "python3",
  args: ["-m", "http.server", "3000"],
  needs: [] as string[],
  http_port: 3000,
  state: {
    name: "web",
    status: "running",
    pid: 7353,
    started_at: "2026-06-02T17:11:14.555839485Z",
    phase: "running",
    desired: "running",
    version: 3,
  },
};

export const STARTED = '{"type":"started","timestamp":1780420274555}\n';
export const COMPLETE =
  '{"type":"complete","log_files":{"combined":"/.sprite/logs/services/web.log","stderr":"/.sprite/logs/services/web.log","stdout":"/.sprite/logs/services/web.log"},"timestamp":1780420276551}\n';
