import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:os";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Plan } from "../posix/spawn.ts";
import { endCommand } from "./command-end.ts";
import { findSetpriv, SHELL, wrap } from "./launch.ts";
import type { Nofile } from "./nofile.ts";
import { findProgram, type Place } from "./program.ts";
import { SpawnProblem } from "./spawn-problem.ts";
import { type Ids, personOf } from "./user.ts";

type Env = Readonly<Record<string, string>>;

/** A command and what it gets: see commands/exec.ts, which says it for whoever asks. */
interface Asked {
  command: readonly string[];
  path?: string;
  env: Env;
  dir?: string;
  stdin?: Readable;
}

interface Output {
  stdout(data: Buffer): Promise<void>;
  stderr(data: Buffer): Promise<void>;
}

interface ExecDeps {
  /** Directory of the main process. */
  dir: string;
  /** Whether that was chosen: then it is meant inside the wrapper, too. */
  isDirChosen: boolean;
  /** What was configured for the main process. */
  env: Env;
  wrapper: readonly string[];
  /** What the main process gets of the daemon's environment. */
  baseEnv: () => Env;
  /** Whom the main process runs as, where that is not the daemon's user. */
  user: string | undefined;
  own: Ids;
  nofile: Nofile;
  logger: Logger;
}

/** How long after the end of a command what it left behind may go on writing, in milliseconds. */
const LAST_WORDS_MS = 2_000;
/** A piece of output at most, in bytes: with the byte before it one piece of a reply. */
const PIECE_BYTES = 32_768;

const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** Commands beside the main process. Node waits for them: they are no services, and nothing of them is kept. They end with whoever asked, and with the daemon. */
export function createExec(deps: ExecDeps) {
  const { logger, nofile } = deps;
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  /** Until it is done. */
  const keep = <Value>(work: Promise<Value>): Promise<Value> => {
    running.add(work);
    const drop = (): void => void running.delete(work);
    work.then(drop, drop);
    return work;
  };

  async function planOf(asked: Asked): Promise<Plan> {
    const env = { ...deps.baseEnv(), ...deps.env, ...(deps.wrapper.length === 0 && asked.env) };
    const dir = resolve(deps.dir, deps.wrapper.length === 0 ? (asked.dir ?? "") : "");
    const { runAs } = await personOf({ user: deps.user }, deps.own);
    const place: Place = { searchPath: env["PATH"] ?? "", dir, runAs };
    const [name = "", ...args] = deps.wrapper.length === 0 ? asked.command : deps.wrapper;
    const path = await findProgram(deps.wrapper.length === 0 ? (asked.path ?? name) : name, place);
    const plan = { path, argv: [name, ...args], env, dir, stdout: "", stderr: "" };
    const tool = runAs ? await findSetpriv(process.env["PATH"]) : "";
    return wrap(plan, runAs ? { runAs } : {}, nofile, tool).plan;
  }

  /** What stands before the input of a command inside a wrapper, which passes on neither directory nor variables. */
  function inside(asked: Asked): { words: readonly string[]; before: string } {
    const [name = "", ...args] = asked.command;
    const program = asked.path ?? name;
    const dir = asked.dir ?? (deps.isDirChosen ? deps.dir : undefined);
    const env = { ...deps.env, ...asked.env };
    if (dir === undefined && Object.keys(env).length === 0)
      return { words: [program, ...args], before: "" };
    const end = randomBytes(16).toString("hex");
    const lines = [
      ...(dir === undefined ? [] : [`cd ${quoted(dir)} || exit ${NOT_RUNNABLE}`]),
      ...Object.entries(env).map(([key, value]) => `export ${key}=${quoted(value)}`),
    ];
    return {
      words: [SHELL, "-c", READS_FIRST, "sh", end, program, ...args],
      before: `${lines.join("\n")}\n${end}\n`,
    };
  }

  async function run(asked: Asked, output: Output, left: AbortSignal): Promise<number> {
    const isWrapped = deps.wrapper.length > 0;
    const { words, before } = isWrapped ? inside(asked) : { words: [], before: "" };
    let child: ChildProcess;
    try {
      const { path, argv, env, dir } = await planOf(asked);
      if (left.aborted) return NOT_RUNNABLE;
      const [argv0 = path, ...args] = [...argv, ...words];
      const hasInput = asked.stdin !== undefined || before !== "";
      child = spawn(path, args, {
        argv0,
        cwd: dir,
        env,
        detached: true, // a session and group of its own
        stdio: [hasInput ? "pipe" : "ignore", "pipe", "pipe"],
      });
      await Promise.race([
        once(child, "spawn"),
        once(child, "error").then(([error]) => Promise.reject(error as Error)),
      ]);
    } catch (error) {
      await output.stderr(Buffer.from(`sprite-env: ${messageOf(error)}\n`));
      return codeOf(error);
    }
    const what = { process: child.pid, command: asked.command[0] };
    logger.debug(what, "a command was started");
    const end = (): void => void keep(endCommand(child, logger));
    if (left.aborted) end();
    else left.addEventListener("abort", end, { once: true });
    feed(child, asked.stdin, before);
    const outputs = Promise.all([
      copied(child.stdout, (data) => output.stdout(data)),
      copied(child.stderr, (data) => output.stderr(data)),
    ]);
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    left.removeEventListener("abort", end);
    await Promise.race([outputs, later(LAST_WORDS_MS)]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.stdin?.destroy();
    logger.debug({ ...what, code, signal }, "a command ended");
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  }

  return {
    run: (asked: Asked, output: Output, left: AbortSignal) =>
      keep(run(asked, output, AbortSignal.any([left, closing.signal]))),
    /** Starts no more, ends those that run, and resolves when none is left. */
    close: async (): Promise<void> => {
      closing.abort();
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

/** Reads, up to a line that is its first argument, what to do first; what follows is the command's input. `read` takes no byte too many. Source: POSIX, read. */
const READS_FIRST =
  'e=$1; shift; s=; while IFS= read -r l && [ "$l" != "$e" ]; do s="$s$l\n"; done; eval "$s"; unset e s l; exec "$@"';

/** A word of the shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function codeOf(error: unknown): number {
  const errno =
    error instanceof SpawnProblem ? error.spawnError.errno : (error as { code?: string }).code;
  return errno === "ENOENT" || errno === "ENOTDIR" ? NOT_FOUND : NOT_RUNNABLE;
}

function feed(child: ChildProcess, stdin: Readable | undefined, before: string): void {
  const { stdin: input } = child;
  if (!input) return;
  input.on("error", () => {}); // it reads no more: that is its right
  if (before !== "") input.write(before);
  if (stdin) stdin.on("error", () => input.destroy()).pipe(input);
  else input.end();
}

async function copied(from: Readable | null, to: (data: Buffer) => Promise<void>): Promise<void> {
  if (!from) return;
  try {
    for await (const data of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < data.length; at += PIECE_BYTES)
        await to(data.subarray(at, at + PIECE_BYTES));
    }
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}

const later = (ms: number): Promise<void> =>
  new Promise((done) => void setTimeout(done, ms).unref());
