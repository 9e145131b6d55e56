import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { DefinitionBody } from "../src/api/schemas.ts";
import { Client } from "../src/client/client.ts";
import { start } from "./machine.ts";
import { Unavailable } from "./result.ts";

export const BINARY = resolve(import.meta.dirname, "../bin/sprite-env");

const POLL_MS = 5;
const PATIENCE_MS = 20_000;

/** The built daemon, as people run it, with a state directory of its own. */
export interface Daemon {
  pid: number;
  socket: string;
  client: Client;
  /** Has it create and start a service; resolves when it is spawned. */
  create(name: string, definition: DefinitionBody): Promise<void>;
  /** An orderly end: its services end first. */
  end(): Promise<void>;
  /** SIGKILL to the daemon alone. */
  kill(): Promise<void>;
}

/** Spawns a daemon and does not wait for it. */
export function spawnDaemon(directory: string): ChildProcess {
  if (!existsSync(join(BINARY, "../../dist/cli/sprite-env.cjs")))
    throw new Unavailable('there is no dist/: run "npm run build" first');
  const flags = {
    "--state-dir": join(directory, "state"),
    "--socket": join(directory, "api.sock"),
    "--log-dir": join(directory, "logs"),
    "--log-level": "error",
  };
  return start(BINARY, ["serve", ...Object.entries(flags).flat()], ["ignore", 2, 2]);
}

/** Starts a daemon on a directory, perhaps one that another left, and waits until it answers. */
export async function startDaemon(directory: string): Promise<Daemon> {
  return ready(spawnDaemon(directory), directory);
}

/** Waits until a daemon answers. */
export async function ready(process: ChildProcess, directory: string): Promise<Daemon> {
  const exited = once(process, "exit");
  const socket = join(directory, "api.sock");
  const client = new Client({ socket });
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await answers(client))) {
    if (process.exitCode !== null || performance.now() > deadline)
      throw new Error("the daemon did not come up");
    await pause(POLL_MS);
  }
  const end = async (signal: NodeJS.Signals) => {
    process.kill(signal);
    await exited;
  };
  return {
    pid: process.pid ?? 0,
    socket,
    client,
    create: async (name, definition) => {
      for await (const line of await client.put(name, definition, { duration: "0s" })) {
        if (line.type === "error") throw new Error(line.data);
      }
    },
    end: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

const answers = (client: Client): Promise<boolean> =>
  client.list().then(
    () => true,
    () => false,
  );

/** Names and does something so many times, a few at once. */
export async function forEachOf(
  count: number,
  act: (name: string) => Promise<void>,
  atOnce = 8,
): Promise<void> {
  const names = Array.from({ length: count }, (_, number) => `s${number}`);
  const worker = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) await act(name);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
