import type { Socket } from "node:net";
import { AppError } from "../base/errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "../config/places.ts";
import { openSocket } from "./http.ts";

/** What is wrong with a place, in the words of the sentence that lists them. */
const WHY: Readonly<Record<string, string>> = {
  ENOENT: "not there",
  ENOTDIR: "not there",
  ECONNREFUSED: "nobody listens any more",
  ENOTSOCK: "not a socket",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EAGAIN: "its queue is full",
};

interface Failure {
  path: string;
  code: string;
}

/**
 * Connects to the first socket of the list on which somebody listens.
 *
 * @throws AppError `daemon_unreachable` saying which were tried and how to start a daemon; `unauthorized` where one is there but
 *   not for us; `invalid_request` for a path the kernel does not take
 */
export async function reach(paths: readonly string[]): Promise<Socket> {
  const failures: Failure[] = [];
  for (const path of paths) {
    refuseLong(path);
    try {
      return await openSocket(path);
    } catch (error) {
      failures.push({ path, code: codeOf(error) });
    }
  }
  throw unreachable(failures);
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

function refuseLong(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new AppError(
    "invalid_request",
    `the path of the socket has ${bytes} bytes, and the kernel takes ${MAX_SOCKET_PATH_BYTES}: name a shorter one with --socket or SPRITE_ENV_SOCKET (${path})`,
  );
}

function unreachable(failures: readonly Failure[]): AppError {
  const denied = failures.find(({ code }) => code === "EACCES" || code === "EPERM");
  if (denied) return notForUs(denied.path);
  const tried = failures.map(({ path, code }) => `${path} (${WHY[code] ?? code})`).join(", ");
  return new AppError(
    "daemon_unreachable",
    `no daemon answers; tried ${tried}. Start one with: sprite-env serve. If it listens elsewhere, say where with --socket or SPRITE_ENV_SOCKET`,
  );
}

const notForUs = (path: string): AppError =>
  new AppError(
    "unauthorized",
    `permission denied on ${path}: only the daemon's own user may use it, unless its configuration opens it with socket_mode and socket_group; run this as that user`,
  );
