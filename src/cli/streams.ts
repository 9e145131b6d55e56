import { AppError } from "../base/errors.ts";
import { durationMs, formatDuration } from "../base/duration.ts";
import type { Client, ReplyStream, StreamLine } from "../client/client.ts";
import { EXIT } from "./exit-codes.ts";
import { onTerminal, print, say, status } from "./output.ts";
import { beginTask, type Task } from "./progress.ts";

/** What is known of a command whose lines are printed. */
interface Followed {
  /** Others are worked on at the same time: each line carries the name of its service. */
  several?: boolean | undefined;
  /** How long the start is watched, as a Go duration. */
  duration?: string | undefined;
  /** How long a gentle end may take, as a Go duration; absent: as the service has it. */
  timeout?: string | undefined;
}

type Reply = ReplyStream | Promise<ReplyStream>;

const DEFAULT_WATCH = "5s";
const DEFAULT_STOP_MS = 10_000;

/**
 * Prints the stream of a command that starts a service.
 *
 * @returns 1 when the service failed before the stream ended. An exit with a code that is a success is no failure where the restart
 *   policy takes it as the end of its work: then the service is `stopped`.
 */
export async function printStart(
  client: Client,
  name: string,
  stream: Reply,
  followed: Followed = {},
): Promise<number> {
  const leave = watchInterrupt(name);
  const task = beginTask((seconds) => `starting ${name} … ${seconds} s`);
  try {
    const { exitCode, error } = await printLines(name, await stream, followed, (line) =>
      tellStart(task, client, name, line, followed),
    );
    if (error) return EXIT.failed;
    if (exitCode === undefined) return EXIT.ok;
    return (await endedWell(client, name, exitCode)) ? EXIT.ok : EXIT.failed;
  } finally {
    task.end();
    leave();
  }
}

async function endedWell(client: Client, name: string, exitCode: number): Promise<boolean> {
  try {
    const { state, success_exit_codes: good = [0] } = await client.get(name);
    return state.phase === "stopped" && good.includes(exitCode);
  } catch (error) {
    if (error instanceof AppError && error.code === "service_not_found") return false; // deleted meanwhile
    throw error;
  }
}

/** Prints the stream of a command that stops a service. */
export async function printStop(
  client: Client,
  name: string,
  stream: Reply,
  followed: Followed = {},
): Promise<number> {
  const task = beginTask(stopping(client, name, followed.timeout));
  try {
    const { error } = await printLines(name, await stream, followed, () => undefined);
    return error ? EXIT.failed : EXIT.ok;
  } finally {
    task.end();
  }
}

/** What is waited for while a process ends, with the time that is left to it. */
export function stopping(
  client: Client,
  name: string,
  timeout: string | undefined,
): (seconds: number) => string {
  let killMs = timeout === undefined ? undefined : durationMs(timeout);
  let asked = false;
  return (seconds) => {
    if (killMs === undefined && !asked) {
      asked = true; // only where somebody waits that long
      void client.get(name).then(
        ({ stop_timeout: own }) => (killMs = (own && durationMs(own)) || DEFAULT_STOP_MS),
        () => undefined,
      );
    }
    return `stopping ${name} … ${seconds} s${killMs === undefined ? "" : untilKill(killMs, seconds)}`;
  };
}

const untilKill = (killMs: number, seconds: number): string =>
  seconds * 1_000 < killMs
    ? ` (${Math.ceil(killMs / 1_000 - seconds)} s until KILL)`
    : " (KILL was sent)";

function tellStart(
  task: Task,
  client: Client,
  name: string,
  { type, data }: StreamLine,
  { duration = DEFAULT_WATCH, timeout }: Followed,
): void {
  const watched = durationMs(duration) ?? 0;
  if (type === "stopping") task.now(stopping(client, name, timeout));
  if (type === "pending") task.now((seconds) => `${name} is ${data ?? "pending"} … ${seconds} s`);
  if (type === "stopped") task.now((seconds) => `starting ${name} … ${seconds} s`);
  if (type === "started" && watched > 0)
    task.now((seconds) => `watching ${name} … ${seconds} s of ${formatDuration(watched)}`);
}

/** Prints the lines as they come. @returns the last exit code they told, and whether there was an error */
async function printLines(
  name: string,
  stream: ReplyStream,
  { several }: Followed,
  seen: (line: StreamLine) => void,
): Promise<{ exitCode?: number; error: boolean }> {
  let told: { exitCode?: number; error: boolean } = { error: false };
  let ended = false;
  for await (const line of stream) {
    print(JSON.stringify(several ? withName(line, name) : line));
    seen(line);
    ended ||= line.type === "exit" || line.type === "complete";
    if (line.type === "error") told = { ...told, error: true };
    if (line.type === "exit") told = { ...told, exitCode: line.exit_code ?? 1 };
  }
  if (!ended && !told.error)
    throw new AppError(
      "daemon_unreachable",
      'the daemon broke off before it was done: "services get" shows what came of it',
    );
  return told;
}

const withName = ({ timestamp, ...line }: StreamLine, name: string): object => ({
  ...line,
  name,
  timestamp,
});

const watched = new Set<string>();

/** Ctrl-C ends the client as it ends any program; a person is told first what goes on without it. */
function watchInterrupt(name: string): () => void {
  if (!onTerminal()) return () => undefined;
  if (watched.size === 0) process.on("SIGINT", interrupted);
  watched.add(name);
  return () => {
    watched.delete(name);
    if (watched.size === 0) process.off("SIGINT", interrupted);
  };
}

function interrupted(): void {
  const [name = ""] = watched;
  status("");
  say(
    watched.size === 1
      ? `\n${name} goes on: sprite-env services get ${name} shows it, sprite-env services logs -f ${name} follows it`
      : `\n${[...watched].join(", ")} go on: sprite-env services list shows them`,
  );
  process.off("SIGINT", interrupted);
  process.kill(process.pid, "SIGINT");
}
