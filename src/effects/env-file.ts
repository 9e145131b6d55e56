import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { BadLine, parseEnvFile } from "./env-file-lines.ts";
import { codeOf, problem, SpawnProblem } from "./spawn-problem.ts";

/** So much of a file is read: a program's whole environment may have two. Source: execve(2), ARG_MAX. */
const MAX_BYTES = 1_000_000;
const CHUNK_BYTES = 65_536;

/**
 * The variables in a service's environment file, as it is now.
 *
 * It is read in libuv's pool and opened so that nothing is waited for: a FIFO, a terminal or a disk is refused. No text of the file is in any message.
 *
 * @throws SpawnProblem naming the file, and the line that is wrong
 */
export async function readEnvFile(path: string): Promise<Readonly<Record<string, string>>> {
  if (!isAbsolute(path)) throw refused("EINVAL", path, "is no absolute path");
  const bytes = await readBounded(path);
  try {
    return parseEnvFile(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof BadLine) throw refused("EINVAL", path, error.message, ": ");
    if (error instanceof TypeError) throw refused("EILSEQ", path, "is no text in UTF-8");
    throw error;
  }
}

const refused = (errno: string, path: string, what: string, between = " "): SpawnProblem =>
  new SpawnProblem({ errno, message: `the environment file \`${path}\`${between}${what}` });

async function readBounded(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    mustBeOrdinary(path, await stat(path)); // opening some devices already does something
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
    file = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    mustBeOrdinary(path, await file.stat());
    return await readAll(path, file);
  } catch (error) {
    if (error instanceof SpawnProblem) throw error;
    throw problem(codeOf(error), `the environment file \`${path}\` cannot be read`);
  } finally {
    await file?.close();
  }
}

function mustBeOrdinary(path: string, file: Stats): void {
  if (file.isDirectory()) throw refused("EISDIR", path, "is a directory");
  if (file.isFIFO()) throw refused("EINVAL", path, "is a FIFO, and only a regular file is read");
  if (!file.isFile()) throw refused("EINVAL", path, "is a device or socket, no regular file");
  if (file.size > MAX_BYTES) throw tooBig(path);
}

/** To its end, whatever size it was said to have: those in /proc say 0. */
async function readAll(path: string, file: FileHandle): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (length > MAX_BYTES) throw tooBig(path);
  }
}

const tooBig = (path: string): SpawnProblem =>
  refused("EFBIG", path, `has more than ${MAX_BYTES} bytes: no environment holds so much`);
