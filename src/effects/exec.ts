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
import { checkDirectory, findProgram, type Place } from "./program.ts";
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

/** Where and with what the main process runs. */
interface Surroundings {
  dir: string;
  /** Whether that was chosen: then it is meant inside the wrapper, too. */
  isDirChosen: boolean;
  /** What was configured for it. */
  env: Env;
  wrapper: readonly string[];
}

interface ExecDeps {
  /** As configuration has it now. */
  surroundings: () => Surroundings;
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

/** Commands beside the main process. */
export interface Exec {
  /** See commands/exec.ts. */
  run: (asked: Asked, output: Output, left: AbortSignal) => Promise<number>;
  /** Starts no more, and ends those that run, gently at first. */
  end(): void;
  /** No more patience: KILL to all of them now. */
  hurry(): void;
  /** Resolves when none is left. */
  close(): Promise<void>;
}

/** Node waits for the commands: they are no services, and nothing of them is kept. They end with whoever asked, and with the daemon. */
export function createExec(deps: ExecDeps): Exec {
  const { logger, nofile } = deps;
  const closing = new AbortController();
  const hurrying = new AbortController();
  const running = new Set<Promise<unknown>>();
  /** Until it is done. */
  const keep = <Value>(work: Promise<Value>): Promise<Value> => {
    running.add(work);
    const drop = (): void => void running.delete(work);
    work.then(drop, drop);
    return work;
  };

  async function planOf(asked: Asked, own: Surroundings): Promise<Plan> {
    const isBare = own.wrapper.length === 0;
    const env = { ...deps.baseEnv(), ...own.env, ...(isBare && asked.env) };
    const dir = resolve(own.dir, isBare ? (asked.dir ?? "") : "");
    const { runAs } = await personOf({ user: deps.user }, deps.own);
    const place: Place = { searchPath: env["PATH"] ?? "", dir, runAs };
    const [name = "", ...args] = isBare ? asked.command : own.wrapper;
    await checkDirectory(dir, runAs);
    const path = await findProgram(isBare ? (asked.path ?? name) : name, place);
    const plan = { path, argv: [name, ...args], env, dir, stdout: "", stderr: "" };
    const tool = runAs ? await findSetpriv(process.env["PATH"]) : "";
    return wrap(plan, runAs ? { runAs } : {}, nofile, tool).plan;
  }

  async function run(asked: Asked, output: Output, left: AbortSignal): Promise<number> {
    const own = deps.surroundings();
    const { words, before } = own.wrapper.length > 0 ? inside(asked, own) : NOTHING_BEFORE;
    let child: ChildProcess;
    try {
      const { path, argv, env, dir } = await planOf(asked, own);
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
    const end = (): void => void keep(endCommand(child, hurrying.signal, logger));
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
    run: (asked, output, left) => keep(run(asked, output, AbortSignal.any([left, closing.signal]))),
    end: () => closing.abort(),
    hurry: () => hurrying.abort(),
    close: async () => {
      closing.abort();
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

interface Inside {
  /** After those of the wrapper. */
  words: readonly string[];
  /** What stands before the command's input. */
  before: string;
}

const NOTHING_BEFORE: Inside = { words: [], before: "" };

/** How directory and variables get into a wrapper, which passes on neither. */
function inside(asked: Asked, own: Surroundings): Inside {
  const [name = "", ...args] = asked.command;
  const program = asked.path ?? name;
  const dir = asked.dir ?? (own.isDirChosen ? own.dir : undefined);
  const env = { ...own.env, ...asked.env };
  if (dir === undefined && Object.keys(env).length === 0)
    return { words: [program, ...args], before: "" };
  const end = randomBytes(16).toString("hex");
  const lines = [
    ...(dir === undefined ? [] : [`cd ${quoted(asPath(dir))} || exit ${NOT_RUNNABLE}`]),
    ...Object.entries(env).map(([key, value]) => `export ${key}=${quoted(value)}`),
  ];
  return {
    words: [SHELL, "-c", READS_FIRST, "sh", end, program, ...args],
    before: `${lines.join("\n")}\n${end}\n`,
  };
}

/** Neither an option of `cd`, nor `-`, nor below CDPATH. Source: POSIX, cd. */
const asPath = (dir: string): string => (dir.startsWith("/") ? dir : `./${dir}`);

/** Reads, up to a line that is its first argument, what to do first; what follows is the command's input. `read` takes no byte too many. Source: POSIX, read. The command's variables are set last, so that they may have any name. */
const READS_FIRST =
  'e=$1; shift; s=; while IFS= read -r l && [ "$l" != "$e" ]; do s="$s$l\n"; done; set -- "$s" "$@"; unset e s l; eval "shift; $1"; exec "$@"';

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
