import { setChildSubreaper } from "../posix/calls.ts";
import { SystemError } from "../posix/libc.ts";
import { processName } from "../posix/proc.ts";

/** Programs that reap what is orphaned: under one of them, as process 1 or as our parent, orphans are theirs. */
const REAPERS = new Set([
  "tini",
  "tini-static",
  "docker-init",
  "podman-init",
  "dumb-init",
  "catatonit",
  "s6-svscan",
]);

/** Name of a process; "" where it cannot be seen, as where /proc is another namespace's: nobody we know. */
const nameOf = (pid: number): string => processName(pid) ?? "";

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
