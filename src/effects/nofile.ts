import { existsSync, readdirSync } from "node:fs";
import { nofileLimit, setSoftNofile } from "../posix/calls.ts";
import type { Plan } from "../posix/spawn.ts";

/** Gives services the soft limit of descriptors that the daemon was started with: Node raises its own to the hard one, and children inherit it. */
export interface Nofile {
  /** The plan as it must be for the child to get that limit: through a program that sets it and then becomes the service's, once the daemon needs more itself. */
  wrap(plan: Plan): Plan;
  /** The limit that whoever wraps a plan anyway has to set; undefined where children get it by themselves. */
  needed(): number | undefined;
  close(): void;
}

/** Children get what we have. */
export const UNTOUCHED: Nofile = {
  wrap: (plan) => plan,
  needed: () => undefined,
  close: () => {},
};

/** How often the daemon's own need is looked at, in milliseconds. */
const EVERY_MS = 1_000;
const PRLIMIT = "/usr/bin/prlimit";

/** Set by the launcher, which runs before Node raises the limit: what `ulimit -Sn` says there. */
const VARIABLE = "SPRITE_ENV_NOFILE";

/**
 * Lowers this process's own soft limit to the one it was started with, which costs the spawns nothing; when half of that are in use, raises it again and
 * wraps every spawn from then on.
 *
 * Never lowered around a spawn: the limit is the whole process's, and its other threads open files meanwhile.
 *
 * @param env the daemon's environment; where it does not say the limit, children get ours
 */
export function keepSoftNofile(env: Readonly<Record<string, string | undefined>>): Nofile {
  const soft = Number(env[VARIABLE] ?? "");
  const own = nofileLimit();
  if (!(soft > 0 && soft < own.soft)) return UNTOUCHED;
  let lowered = true;
  setSoftNofile(soft);
  const look = () => {
    if (!lowered || openDescriptors() < soft / 2) return;
    lowered = false;
    setSoftNofile(own.hard);
    clearInterval(timer);
  };
  const timer = setInterval(look, EVERY_MS).unref();
  look();
  const needed = () => {
    look();
    return lowered ? undefined : soft;
  };
  return {
    needed,
    wrap: (plan) => (needed() === undefined ? plan : wrapped(plan, soft)),
    close: () => clearInterval(timer),
  };
}

/** How many descriptors this process has open; more than any limit where that cannot be seen. */
function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return Infinity; // no /proc
  }
}

function wrapped(plan: Plan, soft: number): Plan {
  const [, ...args] = plan.argv;
  const rest = [plan.path, ...args];
  if (existsSync(PRLIMIT)) {
    return { ...plan, path: PRLIMIT, argv: ["prlimit", `--nofile=${soft}:`, "--", ...rest] };
  }
  const script = `ulimit -S -n ${soft} && exec "$0" "$@"`;
  return { ...plan, path: "/bin/sh", argv: ["sh", "-c", script, ...rest] };
}
