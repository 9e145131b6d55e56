import { readdirSync, statSync, unlink } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "./directory.ts";
import type { LogPlace, ReportIncident } from "./log-file.ts";
import { nameBeforeRotation, rotatedSegments } from "./segments.ts";

/** Removes the files of a service that were set aside longest ago, down to `keep`. */
export function removeOldest(place: LogPlace, service: string, report: ReportIncident): void {
  const rotated = rotatedSegments(place.logDir, service);
  for (const { path } of rotated.slice(0, Math.max(0, rotated.length - place.keep))) {
    remove(path, service, report);
  }
}

/**
 * Holds the directory to a size: the oldest files that were set aside go first, of any service; then whole
 * logs that nothing writes to now, last written longest ago.
 *
 * @param inUse services whose current file stays
 */
export function removeBeyond(
  place: LogPlace,
  totalBytes: number,
  inUse: (service: string) => boolean,
  report: ReportIncident,
): void {
  const files = logFilesIn(place.logDir);
  let excess = files.reduce((sum, file) => sum + file.size, 0) - totalBytes;
  const removable = files
    .filter((file) => file.rotated || !inUse(file.service))
    .toSorted((a, b) => Number(b.rotated) - Number(a.rotated) || a.mtimeMs - b.mtimeMs);
  for (const file of removable) {
    if (excess <= 0) return;
    excess -= file.size;
    remove(file.path, file.service, report);
  }
}

interface FileOfALog {
  path: string;
  service: string;
  rotated: boolean;
  size: number;
  mtimeMs: number;
}

const CURRENT = /^(.+)\.log$/;

function logFilesIn(logDir: string): FileOfALog[] {
  return readdirSync(logDir).flatMap((entry) => {
    const current = nameBeforeRotation(entry) ?? entry;
    const service = CURRENT.exec(current)?.[1];
    const stats = statSync(join(logDir, entry), { throwIfNoEntry: false });
    if (service === undefined || !stats?.isFile()) return [];
    const { size, mtimeMs } = stats;
    return [{ path: join(logDir, entry), service, rotated: current !== entry, size, mtimeMs }];
  });
}

/** Off this thread: to free 10 MB takes longer than to write them. */
function remove(path: string, service: string, report: ReportIncident): void {
  unlink(path, (error) => {
    if (error === null || error.code === "ENOENT") return;
    report({ service, kind: "trouble", message: `${path} cannot be removed: ${reasonOf(error)}` });
  });
}
