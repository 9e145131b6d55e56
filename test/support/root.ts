import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "./until.ts";

/** The unpacked release for this machine. */
export const RELEASE = resolve(import.meta.dirname, "../../release/linux-amd64");

/** What the release's one file is linked with: a small image has these. */
function libraries(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(\/lib\S+)/g)].map(([path]) => path);
}

/** What the root lacks. */
interface Where {
  /** By default it has a /proc of its own namespace. */
  hasProc?: boolean;
  /** Its state is on a disk of this size, in KiB. */
  stateKb?: number;
}

/** A root directory with a busybox, the C library and sprite-env, and nothing else: no Node, no shell but busybox's. */
export class Root {
  readonly path = mkdtempSync(join(tmpdir(), "sprite-root-"));
  #child: ChildProcess | undefined;
  #said = "";
  ended: Promise<number | null> = Promise.resolve(null);

  constructor() {
    for (const name of ["bin", "proc", "dev", "tmp", "etc", "run", "root", "lib64"])
      mkdirSync(this.at(name));
    copyFileSync("/bin/busybox", this.at("bin/busybox"));
    for (const name of [
      "sh",
      "sleep",
      "cat",
      "echo",
      "ps",
      "kill",
      "true",
      "env",
      "ls",
      "id",
      "pwd",
      "test",
    ])
      symlinkSync("busybox", this.at(`bin/${name}`));
    const program = join(RELEASE, "sprite-env");
    copyFileSync(program, this.at("bin/sprite-env"));
    symlinkSync("sprite-env", this.at("bin/spritectl"));
    for (const library of libraries(program)) {
      const to = this.at(library.slice(1));
      mkdirSync(dirname(to), { recursive: true });
      if (!existsSync(to)) copyFileSync(library, to);
    }
    spawnSync("mknod", ["-m", "666", this.at("dev/null"), "c", "1", "3"]);
  }

  at(path: string): string {
    return join(this.path, path);
  }

  /** A file in it. */
  put(path: string, text: string, mode = 0o755): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
    chmodSync(this.at(path), mode);
  }

  /** Starts a program as process 1 of a PID namespace of its own, with this as its root. */
  begin(command: readonly string[], env: NodeJS.ProcessEnv = {}, where: Where = {}): void {
    const { hasProc = true, stateKb } = where;
    const words = ["--pid", "--fork", "--kill-child", "--mount"];
    if (hasProc) words.push(`--mount-proc=${this.at("proc")}`);
    if (stateKb !== undefined) {
      mkdirSync(this.at(".sprite"), { recursive: true });
      const mount = `mount -t tmpfs -o size=${stateKb}k,mode=700 none ${this.at(".sprite")} && exec "$@"`;
      words.push("sh", "-c", mount, "sh");
    }
    const child = spawn("unshare", [...words, "chroot", this.path, ...command], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => (this.#said += text.toString()));
    this.ended = new Promise((done) => child.once("close", done));
  }

  /** The same, with the daemon in the place of the program; waits until it is ready. */
  async boot(
    words: readonly string[] = ["serve"],
    env?: NodeJS.ProcessEnv,
    before: readonly string[] = [],
  ): Promise<void> {
    this.begin([...before, "/bin/sprite-env", ...words], env);
    await this.untilSaid(" ready ");
  }

  said(): string {
    return this.#said;
  }

  untilSaid(text: string | RegExp): Promise<unknown> {
    const has = () =>
      typeof text === "string" ? this.#said.includes(text) : text.test(this.#said);
    return until(`process 1 says ${String(text)}`, has, 30_000, () => this.#said);
  }

  /** Pid of process 1, outside. */
  get pid(): number {
    const { stdout } = spawnSync("pgrep", ["-P", String(this.#child?.pid)], { encoding: "utf8" });
    return Number(stdout);
  }

  /** Signals that process 1 has handlers for, a bit each, signal 1 the lowest; 0 while there is no such process. */
  caught(): bigint {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
      return BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
    } catch {
      return 0n;
    }
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Runs a program inside. */
  inside(...command: string[]): { code: number | null; stdout: string; stderr: string } {
    const words = ["--target", String(this.pid), "--pid", "--mount", "chroot", this.path];
    const { status, stdout, stderr } = spawnSync("nsenter", [...words, ...command], {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
      timeout: 30_000,
    });
    return { code: status, stdout, stderr };
  }

  remove(): void {
    this.#child?.kill("SIGKILL");
    const { pid } = this;
    if (pid > 0) process.kill(pid, "SIGKILL");
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A root for one test. */
export function root(): Root {
  const made = new Root();
  onTestFinished(() => made.remove());
  return made;
}
