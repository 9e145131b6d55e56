import { access, constants, open, readdir } from "node:fs/promises";
import { arch } from "node:os";
import { resolve } from "node:path";
import { codeOf, problem, type SpawnProblem } from "./spawn-problem.ts";

/** Names of ELF machines, and which Node architectures' kernels run them (32-bit ones too). Source: elf.h. */
const MACHINES: Readonly<Record<number, { name: string; runsOn: readonly string[] }>> = {
  3: { name: "x86 (32-bit)", runsOn: ["x64", "ia32"] },
  8: { name: "MIPS", runsOn: ["mips", "mipsel"] },
  20: { name: "PowerPC", runsOn: ["ppc"] },
  21: { name: "PowerPC (64-bit)", runsOn: ["ppc64"] },
  22: { name: "S/390", runsOn: ["s390x"] },
  40: { name: "ARM (32-bit)", runsOn: ["arm", "arm64"] },
  62: { name: "x86-64", runsOn: ["x64"] },
  183: { name: "ARM (64-bit)", runsOn: ["arm64"] },
  243: { name: "RISC-V", runsOn: ["riscv64"] },
};

const ELF = "\u007fELF";
/** As much of a script's first line as the kernel reads. Source: linux/binfmts.h, BINPRM_BUF_SIZE. */
const LINE_BYTES = 256;
const PT_INTERP = 3;

/**
 * Says why the kernel would not run a file that is there and executable, or nothing where it would.
 *
 * What a wrapper or `execvp` would turn into an exit code, or run through a shell, is found here. A file we may run but not read is left to the kernel,
 * unless a wrapper stands before it.
 *
 * @param path absolute
 * @param dir where a relative interpreter is looked for: the working directory
 * @param isWrapped whether something that would run it through a shell executes it
 */
export async function inspectExecutable(
  path: string,
  dir: string,
  isWrapped = false,
): Promise<SpawnProblem | undefined> {
  const head = await readHead(path);
  if (head === undefined) return isWrapped ? unreadable(path) : undefined;
  const text = head.toString("latin1");
  if (text.startsWith("#!")) return inspectScript(path, text.slice(2, LINE_BYTES), dir);
  const foreign = text.startsWith(ELF) ? inspectElf(path, head) : unknownFormat(path, head);
  if (foreign) return (await hasForeignFormats()) ? undefined : foreign;
  return inspectLoader(path, head);
}

/** The file's beginning, where the headers of almost every program are; undefined where we may not read it. */
async function readHead(path: string): Promise<Buffer | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const unreadable = (path: string): SpawnProblem =>
  problem(
    "EACCES",
    `\`${path}\` cannot be read by the daemon, so nobody knows whether it is a program`,
  );

const unknownFormat = (path: string, head: Buffer): SpawnProblem =>
  problem(
    "ENOEXEC",
    head.length === 0
      ? `\`${path}\` is an empty file`
      : `\`${path}\` is neither a program of this machine nor a script that begins with #!`,
  );

function inspectElf(path: string, head: Buffer): SpawnProblem | undefined {
  const littleEndian = head[5] === 1;
  if (head.length < 20) return problem("ENOEXEC", `\`${path}\` is cut off`);
  const number = littleEndian ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const machine = MACHINES[number];
  if (machine?.runsOn.includes(arch()) && littleEndian) return undefined;
  const name = machine?.name ?? `machine ${number}`;
  return problem("ENOEXEC", `\`${path}\` is a program for ${name}, this machine is ${arch()}`);
}

/** Whether something of binfmt_misc may run what the kernel itself does not know. */
async function hasForeignFormats(): Promise<boolean> {
  const entries = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
  return entries.some((name) => name !== "register" && name !== "status");
}

async function inspectScript(
  path: string,
  line: string,
  dir: string,
): Promise<SpawnProblem | undefined> {
  const first = line.split("\n", 1)[0] ?? "";
  const interpreter = /^[ \t]*([^ \t]*)/.exec(first)?.[1] ?? "";
  if (interpreter === "") {
    return problem("ENOEXEC", `\`${path}\` names no interpreter after its #!`);
  }
  const hint = interpreter.endsWith("\r") ? "its lines end in CR LF: save it with LF" : undefined;
  const shown = interpreter.replace("\r", "\\r");
  const what = `\`${path}\` asks for the interpreter \`${shown}\`, which cannot be run`;
  return accessProblem(resolve(dir, interpreter), what, hint);
}

/** A dynamic program names its loader in a PT_INTERP header; one for another C library names one that is not there. Source: elf(5), 64-bit layout. */
async function inspectLoader(path: string, head: Buffer): Promise<SpawnProblem | undefined> {
  const loader = loaderOf(head);
  if (loader === undefined) return undefined;
  const what = `\`${path}\` asks for the loader \`${loader}\`, which cannot be run`;
  return accessProblem(loader, what, "it was built for another C library");
}

function loaderOf(head: Buffer): string | undefined {
  if (head.length < 64 || head[4] !== 2) return undefined;
  const start = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  for (let index = 0; index < head.readUInt16LE(56); index++) {
    const entry = start + index * size;
    if (size < 56 || entry + size > head.length) return undefined;
    if (head.readUInt32LE(entry) !== PT_INTERP) continue;
    const from = Number(head.readBigUInt64LE(entry + 8));
    const bytes = Number(head.readBigUInt64LE(entry + 32));
    return from + bytes <= head.length ? head.toString("utf8", from, from + bytes - 1) : undefined;
  }
  return undefined;
}

async function accessProblem(
  path: string,
  what: string,
  hint?: string,
): Promise<SpawnProblem | undefined> {
  try {
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return problem(codeOf(error), what, hint);
  }
}
