import { readFileSync } from "node:fs";
import { setChildSubreaper } from "../posix/calls.ts";
import { SystemError } from "../posix/libc.ts";

/** Programs that reap what is orphaned: under one of them, as process 1 or as our parent, orphans are theirs. */
const REAPERS = new Set(["tini", "docker-init", "dumb-init", "catatonit", "s6-svscan"]);

/** Name of a process as the kernel has it; "" where it cannot be seen. Source: proc(5), /proc/pid/comm, at most 15 characters. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return ""; // hidden, or there is no /proc: nobody we know
  }
}

/**
 * Makes this process the one that what its services orphan comes to, unless it is not to be.
 *
 * @param mode `auto`: unless one of the small init programs is process 1 or our parent
 * @returns whether orphans come to us: as process 1 they always do
 * @throws SystemError where the kernel knows no subreapers, and `on` wants one: an emulator may not
 */
export function adoptOrphans(
  mode: "auto" | "on" | "off",
  self: Pick<NodeJS.Process, "pid" | "ppid"> = process,
  name = nameOf,
): boolean {
  if (self.pid === 1) return true;
  if (mode === "off") return false;
  if (mode === "auto" && [1, self.ppid].some((pid) => REAPERS.has(name(pid)))) return false;
  try {
    setChildSubreaper();
    return true;
  } catch (error) {
    if (mode === "on" || !(error instanceof SystemError && error.code === "EINVAL")) throw error;
    return false;
  }
}
