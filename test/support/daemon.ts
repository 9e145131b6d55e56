import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { ServiceStateWire, ServiceWire } from "../../src/api/view-schemas.ts";
import { type Answer, ask, type Question } from "./api.ts";
import { type Row, rowsOf } from "./log-of.ts";
import { endAllAt, isLive, signal } from "./processes.ts";
import { until } from "./until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The built program; SPRITE_ENV_BIN names that of another build or of an installed package. */
export const BIN = process.env["SPRITE_ENV_BIN"] ?? join(ROOT, "bin/sprite-env");

/** A small program of `test/fixtures`. */
export const fixture = (name: string): string => join(ROOT, "test/fixtures", name);

/** How a program ended, and all that it wrote. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A line of a stream of `create`, `start`, `restart` or `stop`. */
export interface StreamedLine {
  type: string;
  data?: string;
  exit_code?: number;
  message?: string;
  log_files?: Record<string, string>;
  timestamp: number;
}

/** The lines of a stream, out of the text of its reply. */
export const linesOf = (text: string): StreamedLine[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as StreamedLine);

/** One daemon, from its start to its end. */
export interface Daemon {
  /** Of the daemon, or of what it was wrapped in. */
  pid: number;
  ended: Promise<Ended>;
  /** What it wrote so far. */
  said(): string;
  signal(name: NodeJS.Signals): void;
}

export interface BootOptions {
  flags?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** What stands before the program: `unshare -m …`. */
  wrapper?: readonly string[];
  /** Whether it is started as `serve`, or by its flags alone. */
  byName?: boolean;
}

const CLI_MS = 60_000;

const collected = (child: ChildProcess): { ended: Promise<Ended>; said: () => string } => {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (text: Buffer) => (stdout += text.toString("utf8")));
  child.stderr?.on("data", (text: Buffer) => (stderr += text.toString("utf8")));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, name) => resolve({ code, signal: name, stdout, stderr }));
  });
  return { ended, said: () => stderr + stdout };
};

/**
 * A sprite of a test's own: state, socket and logs in a temporary directory, and the built program on them.
 * `cleanUp` ends every process that has to do with the directory, whoever started it, and removes it.
 */
export class Sprite {
  readonly dir = mkdtempSync(join(tmpdir(), "sprite-"));
  readonly stateDir = join(this.dir, "state");
  readonly logDir = join(this.dir, "logs");
  readonly socket = join(this.dir, "api.sock");
  /** HOME of daemon and services, and so their directory. */
  readonly home = join(this.dir, "home");
  daemon: Daemon | undefined;

  constructor() {
    mkdirSync(this.home);
  }

  get env(): NodeJS.ProcessEnv {
    const { PATH } = process.env;
    return { PATH, HOME: this.home, LANG: "C.UTF-8", SPRITE_ENV_SOCKET: this.socket };
  }

  /** Starts a daemon, and does not wait for it. */
  launch({ flags = [], env = {}, wrapper = [], byName = true }: BootOptions = {}): Daemon {
    const verb = byName ? ["serve"] : [];
    const words = [BIN, ...verb, "--state-dir", this.stateDir, "--log-dir", this.logDir];
    const [program = BIN, ...args] = [...wrapper, ...words, "--socket", this.socket, ...flags];
    const child = spawn(program, args, {
      cwd: this.dir,
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { ended, said } = collected(child);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${program} could not be started: run make build first`);
    this.daemon = { pid, ended, said, signal: (name) => void child.kill(name) };
    return this.daemon;
  }

  /** Starts a daemon and waits until it answers and has decided what to start. */
  async boot(options: BootOptions = {}): Promise<Daemon> {
    const daemon = this.launch(options);
    let over = false;
    void daemon.ended.then(() => (over = true));
    await until(
      "the daemon is ready",
      () => over || this.isReady(),
      30_000,
      () => daemon.said(),
    );
    if (over) throw new Error(`the daemon ended at once:\n${daemon.said()}`);
    return daemon;
  }

  private isReady(): Promise<boolean> {
    return this.ask({ path: "/healthz" }).then(
      ({ status }) => status === 200 && / ready /.test(this.daemon?.said() ?? ""),
      () => false,
    );
  }

  /** SIGKILL to the daemon alone: its services live on. */
  async killDaemon(): Promise<void> {
    this.daemon?.signal("SIGKILL");
    await this.daemon?.ended;
  }

  /** A power cut: daemon and services are gone, and nobody saw it. */
  async cutPower(): Promise<void> {
    await this.killDaemon();
    await endAllAt(this.dir);
  }

  /** An orderly end. */
  async shutDown(): Promise<Ended | undefined> {
    this.daemon?.signal("SIGTERM");
    return this.daemon?.ended;
  }

  /** Runs a verb of the built program. */
  cli(...words: readonly string[]): Promise<Ended> {
    return this.run([BIN, ...words]);
  }

  /** Runs a program in the sprite's directory, with the sprite's environment; a minute at most. */
  run([program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = spawn(program, args, {
      cwd: this.home,
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: CLI_MS,
      killSignal: "SIGKILL",
    });
    return collected(child).ended;
  }

  /** One request over the socket. */
  ask(question: Question): Promise<Answer> {
    return ask(this.socket, question);
  }

  /** Defines and starts a service over the socket; waits until its process is there, or it waits itself. */
  async put(name: string, definition: object, query = "duration=0s"): Promise<Answer> {
    return this.ask({ method: "PUT", path: `/v1/services/${name}?${query}`, body: definition });
  }

  async get(name: string): Promise<ServiceWire> {
    const { status, text } = await this.ask({ path: `/v1/services/${name}` });
    if (status !== 200) throw new Error(`GET ${name}: ${status} ${text}`);
    return JSON.parse(text) as ServiceWire;
  }

  async state(name: string): Promise<ServiceStateWire> {
    return (await this.get(name)).state;
  }

  /** Waits until the state of a service is as asked. */
  async untilState(
    name: string,
    what: string,
    holds: (state: ServiceStateWire) => boolean,
    withinMs?: number,
  ): Promise<ServiceStateWire> {
    let last: ServiceStateWire | undefined;
    const probe = async () => {
      last = await this.state(name);
      return holds(last) && last;
    };
    return until(`${name} ${what}`, probe, withinMs, () => last);
  }

  /** Waits until a service runs under another pid than this one. @returns the new pid */
  async untilRunning(name: string, notPid?: number): Promise<number> {
    const isNew = ({ status, pid }: ServiceStateWire) =>
      status === "running" && pid !== undefined && pid !== notPid && isLive(pid);
    const { pid = 0 } = await this.untilState(name, "runs", isNew);
    return pid;
  }

  /** The event log as it lies on disk. */
  rows(from?: number): Row[] {
    return rowsOf(this.stateDir, from);
  }

  /** Rows of one service. */
  rowsOf(name: string, type?: string): Row[] {
    return this.rows().filter(
      (row) => row.stream === `service/${name}` && (type === undefined || row.type === type),
    );
  }

  /** What is in a service's log file; "" where there is none. */
  log(name: string): string {
    const path = join(this.logDir, `${name}.log`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Waits until a service's log holds a text. */
  async untilLogged(name: string, text: string | RegExp): Promise<string> {
    const has = () => {
      const log = this.log(name);
      return (typeof text === "string" ? log.includes(text) : text.test(log)) && log;
    };
    return until(`the log of ${name} has ${String(text)}`, has, undefined, () => this.log(name));
  }

  async cleanUp(): Promise<void> {
    if (this.daemon) signal(this.daemon.pid, "SIGKILL");
    await endAllAt(this.dir);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A sprite for one test: cleaned up when the test is over, however it ends. */
export function sprite(): Sprite {
  const made = new Sprite();
  onTestFinished(() => made.cleanUp());
  return made;
}

/** A sprite for one test, with a daemon that is ready. */
export async function bootedSprite(options?: BootOptions): Promise<Sprite> {
  const made = sprite();
  await made.boot(options);
  return made;
}
