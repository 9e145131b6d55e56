import type { ServiceWire } from "../api/view-schemas.ts";
import type { Client, ReplyStream } from "../client/client.ts";
import { AppError } from "../base/errors.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { onTerminal, print, say } from "./output.ts";

/** Prints the lines as they come, as they came. @returns the last exit code they told, and whether there was an error */
async function printLines(stream: ReplyStream): Promise<{ exitCode?: number; error: boolean }> {
  let seen: { exitCode?: number; error: boolean } = { error: false };
  let ended = false;
  for await (const { raw, line } of stream) {
    print(raw);
    ended ||= line.type === "exit" || line.type === "complete";
    if (line.type === "error") seen = { ...seen, error: true };
    if (line.type === "exit") seen = { ...seen, exitCode: line.exit_code ?? 1 };
  }
  if (!ended && !seen.error)
    throw new AppError(
      "daemon_unreachable",
      'the daemon broke off before it was done: "services get" shows what came of it',
    );
  return seen;
}

/**
 * Prints the stream of a command that starts a service.
 *
 * @returns 1 when the service failed before the stream ended. An exit with 0 is no failure where the restart policy takes it as the
 *   end of its work: then the service is `stopped`.
 */
export async function printStart(
  client: Client,
  name: string,
  stream: ReplyStream,
): Promise<number> {
  const stopWatching = onInterrupt(
    `${name} goes on: sprite-env services get ${name} shows it, sprite-env services logs -f ${name} follows it`,
  );
  const { exitCode, error } = await printLines(stream);
  stopWatching();
  if (error) return EXIT.failed;
  if (exitCode === undefined) return EXIT.ok;
  return exitCode === 0 && endedWell(await client.get(name)) ? EXIT.ok : EXIT.failed;
}

const endedWell = ({ state }: ServiceWire): boolean => state.phase === "stopped";

/** Prints the stream of a command that stops a service. */
export async function printStop(stream: ReplyStream): Promise<number> {
  const { error } = await printLines(stream);
  return error ? EXIT.failed : EXIT.ok;
}

/** Ctrl-C ends the client as it ends any program; a person is told first what goes on without it. */
function onInterrupt(notice: string): () => void {
  if (!onTerminal()) return () => undefined;
  const interrupted = (): void => {
    say(`\n${notice}`);
    process.off("SIGINT", interrupted);
    process.kill(process.pid, "SIGINT");
  };
  process.on("SIGINT", interrupted);
  return () => process.off("SIGINT", interrupted);
}

/**
 * Does the same for each name, in order. What fails for one of several is said, and the others get their turn.
 *
 * @returns the first exit code that is no success
 */
export async function forEach(
  names: readonly string[],
  one: (name: string) => Promise<number>,
): Promise<number> {
  if (names.length === 1) return one(names[0] ?? "");
  let first: number = EXIT.ok;
  for (const name of names) {
    if (onTerminal()) say(`${name}:`);
    const code = await oneOfMany(name, one);
    first = first === EXIT.ok ? code : first;
  }
  return first;
}

async function oneOfMany(name: string, one: (name: string) => Promise<number>): Promise<number> {
  try {
    return await one(name);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "daemon_unreachable") throw error;
    say(`${name}: ${error.message}`);
    return exitCodeOf(error);
  }
}
