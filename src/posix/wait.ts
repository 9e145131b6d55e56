import koffi from "koffi";
import { bind, SystemError } from "./libc.ts";
import { signalName } from "./signals.ts";

/** Source: waitid(2), linux/wait.h. */
const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
/** `si_code` of a SIGCHLD. Source: sigaction(2). */
const CLD_EXITED = 1;
const CLD_DUMPED = 3;
const ECHILD = 10;

const waitid = bind<(kind: number, pid: number, info: Buffer, options: number) => number>(
  "int waitid(int kind, unsigned int pid, void *info, int options)",
);

/** How a child ended: by itself with a code, or by a signal (named without `SIG`), with a core image or not. */
export type WaitStatus = { code: number } | { signal: string; core: boolean };

/** `running`; `gone`: no child of ours has that pid, so somebody else has reaped it or it never was one. */
export type Look = "running" | "gone" | WaitStatus;

/** `siginfo_t` has 128 bytes; for a SIGCHLD `si_code` is at 8, `si_pid` at 16, `si_status` at 24. Source: sigaction(2), bits/types/siginfo_t.h. */
const info = Buffer.alloc(128);

function ask(pid: number, options: number): Look {
  info.fill(0);
  if (waitid(P_PID, pid, info, WEXITED | WNOHANG | options) === -1) {
    if (koffi.errno() === ECHILD) return "gone";
    throw new SystemError("waitid", koffi.errno());
  }
  if (info.readInt32LE(16) === 0) return "running";
  return statusOf(info.readInt32LE(8), info.readInt32LE(24));
}

/** Pid of some child that ended and is not reaped, or undefined; always the same one until that is reaped. Source: waitid(2). */
export function someZombie(): number | undefined {
  info.fill(0);
  const answer = waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT);
  return answer === 0 ? info.readInt32LE(16) || undefined : undefined;
}

/** What `si_code` and `si_status` of a child that ended say. Source: waitid(2). */
export const statusOf = (siCode: number, siStatus: number): WaitStatus =>
  siCode === CLD_EXITED
    ? { code: siStatus }
    : { signal: signalName(siStatus), core: siCode === CLD_DUMPED };

/** How a child ended, leaving its zombie, which keeps its pid from being given to somebody else. Never waits. Source: waitid(2), WNOWAIT. */
export const look = (pid: number): Look => ask(pid, WNOWAIT);

/** The same, and the zombie is gone afterwards: the pid may be anybody's. */
export const reap = (pid: number): Look => ask(pid, 0);
