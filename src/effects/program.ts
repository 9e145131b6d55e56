import { existsSync, type Stats } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { inspectExecutable } from "./executable.ts";
import { closedTo } from "./reach.ts";
import { codeOf, problem, SpawnProblem } from "./spawn-problem.ts";
import type { RunAs } from "./user.ts";

/** Where a program is looked for. */
export interface Place {
  /** PATH of the service's environment. */
  searchPath: string;
  /** Its working directory, absolute: relative names and entries of PATH are meant from there. */
  dir: string;
  /** Who is to run it, where that is not the daemon's user. */
  runAs?: RunAs | undefined;
}

/**
 * Finds the file that a command names, as execvp(3) would, and makes sure that the kernel will run it.
 *
 * All of it in libuv's pool, since any step can hang on a dead mount.
 *
 * @returns its absolute path
 * @throws SpawnProblem naming the file and what is wrong with it
 */
export async function findProgram(cmd: string, place: Place): Promise<string> {
  const { dir, runAs } = place;
  if (runAs) await checkDirectory(dir, runAs); // the spawn enters it as us
  let worse: SpawnProblem | undefined;
  for (const path of candidates(cmd, place)) {
    const found = await examine(path, runAs);
    if (found.file) return checkFormat(path, found.file, place);
    if (found.isHidden && !cmd.includes("/")) continue; // an entry of PATH that is closed to us
    worse ??= found.problem; // the first that is there but wrong says more than that the others are missing
  }
  await checkDirectory(dir); // where that is missing, so is what was meant from there
  throw worse ?? missing(cmd);
}

/**
 * Whether a working directory can be entered, by another user where one is given.
 * @throws SpawnProblem naming it, and what is closed on the way to it
 */
export async function checkDirectory(dir: string, runAs?: RunAs): Promise<void> {
  const what = `the working directory \`${dir}\` cannot be entered`;
  try {
    if (!(await stat(dir)).isDirectory()) throw problem("ENOTDIR", what);
    await access(dir, constants.X_OK);
    const closed = runAs && (await closedTo(dir, runAs));
    if (closed !== undefined)
      throw problem("EACCES", `${what} by ${runAs?.name}`, hintOf(closed, dir));
  } catch (error) {
    throw error instanceof SpawnProblem ? error : problem(codeOf(error), what);
  }
}

/** What to do about a file or directory that is closed to a user, itself or by one above it. */
const hintOf = (closed: string, path: string): string =>
  closed === path
    ? "its owner, its group and its mode say so: see `ls -ld`"
    : `\`${closed}\` above it is closed to that user`;

/** What is said where nothing of that name is there. */
function missing(cmd: string): SpawnProblem {
  const hint = /\s/.test(cmd.trim())
    ? `arguments are given apart from the program: ${cmdAndArgs(cmd)}`
    : undefined;
  return problem("ENOENT", `executable file \`${cmd}\` not found`, hint);
}

function cmdAndArgs(cmd: string): string {
  const [program, ...args] = cmd.trim().split(/\s+/);
  return `--cmd ${program} --args ${args.join(",")}`;
}

function candidates(cmd: string, { searchPath, dir }: Place): string[] {
  if (cmd.includes("/")) return [resolve(dir, cmd)];
  if (cmd === "") return [];
  return searchPath.split(":").map((entry) => resolve(dir, entry, cmd));
}

interface Examined {
  file?: Stats;
  problem?: SpawnProblem;
  /** The problem is on the way there. */
  isHidden?: boolean;
}

/** The file at a path, where it is one that we may execute; else what is wrong with it; neither where there is none. */
async function examine(path: string, runAs: RunAs | undefined): Promise<Examined> {
  try {
    const file = await stat(path);
    if (file.isDirectory())
      return { problem: problem("EACCES", `\`${path}\` is a directory, not a program`) };
    if (!file.isFile()) return { problem: problem("EACCES", `\`${path}\` is not a regular file`) };
    if (!isKnown(path, file) && !(await isExecutable(path))) {
      return { problem: notExecutable(path) };
    }
    const closed = runAs && (await closedTo(path, runAs));
    return closed === undefined ? { file } : { problem: closedProgram(path, closed, runAs) };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    return { problem: problem(code, `\`${path}\` cannot be reached`), isHidden: true };
  }
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const notExecutable = (path: string): SpawnProblem =>
  problem("EACCES", `\`${path}\` is not executable`, `chmod +x ${path} makes it so`);

const closedProgram = (path: string, closed: string, runAs: RunAs | undefined): SpawnProblem =>
  problem(
    "EACCES",
    `\`${path}\` cannot be executed by ${runAs?.name ?? "us"}`,
    hintOf(closed, path),
  );

/** Files that were seen to be right, by path, as they were then: a crash loop costs one look at each, and reads no header again. */
const known = new Map<string, string>();
const MAX_KNOWN = 1_000;

const identityOf = (file: Stats): string =>
  [file.dev, file.ino, file.mode, file.size, file.mtimeMs, file.ctimeMs].join(":");

const isKnown = (path: string, file: Stats): boolean => known.get(path) === identityOf(file);

async function checkFormat(path: string, file: Stats, { dir, runAs }: Place): Promise<string> {
  if (isKnown(path, file)) return path;
  const refusal = await inspectExecutable(path, dir, runAs !== undefined);
  if (refusal) throw refusal;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(path, identityOf(file));
  return path;
}

/**
 * Why the kernel refused a program that was found: its directory, or what changed since then, else the errno alone.
 *
 * @param error what the spawn answered
 * @throws SpawnProblem where it is the directory
 */
export async function explainRefusal(
  error: unknown,
  path: string,
  dir: string,
  runAs?: RunAs,
): Promise<SpawnProblem> {
  known.delete(path);
  await checkDirectory(dir, runAs);
  const code = codeOf(error);
  if (code === "ENOENT" && !existsSync("/dev/null"))
    return problem(code, `cannot start \`${path}\``, "there is no /dev/null: mount a /dev");
  const seen = ["ENOEXEC", "ENOENT"].includes(code)
    ? await inspectExecutable(path, dir)
    : undefined;
  const noexec = "its file system may be mounted noexec";
  const closed = runAs ? `${noexec}, or its interpreter be closed to that user` : noexec;
  const hint = code === "EACCES" ? closed : undefined;
  return seen ?? problem(code, `cannot start \`${path}\``, hint);
}
