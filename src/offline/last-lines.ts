import { existsSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import type { LogLine } from "../logs/ports.ts";
import { linesBetween, tailPosition } from "../logs/read.ts";
import { currentFile } from "../logs/segments.ts";
import type { Why } from "./why.ts";

/** The last lines of a life, oldest first. */
export interface LastLines {
  /** The service's log file. */
  file: string;
  lines: readonly LogLine[];
  /** Why there are none, where that is not because it wrote nothing. */
  problem?: string;
}

/**
 * Reads what a life wrote last. The log says where its lines begin and end; where it does not (a daemon was killed before it
 * could be told), they end where those of the next life begin, or with the file.
 *
 * @param count lines at most
 */
export async function lastLines(
  logDir: string,
  { service, life, nextLogFrom }: Pick<Why, "service" | "life" | "nextLogFrom">,
  count: number,
): Promise<LastLines> {
  const file = currentFile(logDir, service);
  const to = life?.logTo ?? nextLogFrom ?? Number.MAX_SAFE_INTEGER;
  try {
    const from = await tailPosition(logDir, service, count, to);
    const lines = await linesBetween(logDir, service, Math.max(from, life?.logFrom ?? 0), to);
    const problem = lines.length === 0 ? problemOfNone(logDir, life) : undefined;
    return { file, lines, ...(problem !== undefined && { problem }) };
  } catch (error) {
    return { file, lines: [], problem: problemOf(error, logDir) };
  }
}

/** Where the event log says that it wrote something, no lines are not the whole truth. */
function problemOfNone(logDir: string, life: Why["life"]): string | undefined {
  if (!existsSync(logDir)) return `there is no ${logDir}: name the directory with --log-dir`;
  const { logFrom = 0, logTo = 0 } = life ?? {};
  return logTo > logFrom ? `its lines are not in ${logDir} any more` : undefined;
}

function problemOf(error: unknown, logDir: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES") return `${logDir} may not be read by us`;
  return `its log in ${logDir} could not be read: ${messageOf(error)}`;
}
