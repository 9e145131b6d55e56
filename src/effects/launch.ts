import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import type { Plan } from "../posix/spawn.ts";
import { DEFAULT_PATH, MARK } from "./environment.ts";
import type { Nofile } from "./nofile.ts";
import { SpawnProblem } from "./spawn-problem.ts";
import type { Ids, RunAs } from "./user.ts";

/** What a process is to be that the spawn itself cannot make it. */
export interface Manner {
  runAs?: RunAs;
  umask?: number;
}

/** Programs that are run first, each of which becomes the next and the last of which becomes the service's. */
interface Wrapped {
  plan: Plan;
  /** Their names, as the kernel has them of a process; none where the service's program is run at once. */
  wrappers: readonly string[];
}

const SETPRIV = "setpriv";
/** Every system has it there. Source: POSIX, sh. */
export const SHELL = "/bin/sh";

/** Under which prefix the service's variables travel past the program that changes the user. */
const PREFIX = "SPRITE_ENV_FOR_";

/** Names that shells refuse or forget to set. They mean nothing to the program that changes the user. Source: bash(1), Shell Variables; dash(1). */
const SHELLS_OWN =
  /^(UID|EUID|PPID|GROUPS|SHELLOPTS|BASHOPTS|BASH_.*|BASHPID|BASH|OPTIND|LINENO|RANDOM|SECONDS|SRANDOM|EPOCH.*|DIRSTACK|FUNCNAME|HISTCMD|COMP_.*|_)$/;

/** Gives the variables back that are named before --, then does the rest and becomes the program. No value is on its command line. */
const scriptOf = (steps: readonly string[]): string =>
  [
    "unset PWD OLDPWD SHLVL",
    `while [ "$1" != -- ]; do eval "$1=\\"\\$${PREFIX}$1\\"; export $1"; unset "${PREFIX}$1"; shift; done`,
    "shift",
    ...steps,
    'exec "$0" "$@"',
  ].join(" && ");

/**
 * The plan that makes a process another user's, with other groups and another umask, without changing ourselves: our threads share those.
 *
 * `setpriv` runs as root, so it sees none of the service's variables: LD_PRELOAD or a file of messages would make it run what the service's user wrote. They travel under other names, and a
 * shell, which runs as that user, gives them their names back, sets umask and the limit of descriptors, and becomes the program.
 * Both look for nothing: they get the program's path, which is then what it is called, too.
 *
 * @param tool path of setpriv, where a user is to be changed
 */
export function wrap(plan: Plan, manner: Manner, nofile: Nofile, tool: string): Wrapped {
  const { runAs, umask } = manner;
  if (!runAs && umask === undefined) {
    const limited = nofile.wrap(plan);
    return { plan: limited, wrappers: limited === plan ? [] : [nameOf(limited.path)] };
  }
  const inShell = throughShell(plan, umask, nofile.needed());
  if (!runAs) return { plan: inShell, wrappers: [nameOf(SHELL)] };
  const argv = [SETPRIV, ...idsOf(runAs), "--", SHELL, ...inShell.argv.slice(1)];
  return { plan: { ...inShell, path: tool, argv }, wrappers: [SETPRIV, nameOf(SHELL)] };
}

/** As much as the kernel keeps. Source: proc_pid_comm(5), TASK_COMM_LEN less its NUL. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1).slice(0, 15);

/** Options of setpriv(1) that make a process have these. Numbers, so that it looks nobody up. */
export const idsOf = ({ uid, gid, groups }: Ids): string[] => [
  `--reuid=${uid}`,
  `--regid=${gid}`,
  groups.length > 0 ? `--groups=${groups.join(",")}` : "--clear-groups",
];

/** Nothing else may stand in the script. */
const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

const travels = (name: string): boolean => name !== MARK && isName(name) && !SHELLS_OWN.test(name);

/** A variable whose own name is another's disguise gets its value back after that other. */
const shorterFirst = (a: string, b: string): number => a.length - b.length;

function throughShell(plan: Plan, umask: number | undefined, soft: number | undefined): Plan {
  const names = Object.keys(plan.env);
  const env = names.map((name) => [travels(name) ? PREFIX + name : name, plan.env[name] ?? ""]);
  const steps = [
    ...(umask === undefined ? [] : [`umask ${umask.toString(8).padStart(4, "0")}`]),
    ...(soft === undefined ? [] : [`ulimit -S -n ${soft}`]),
  ];
  const [, ...args] = plan.argv;
  const given = [plan.path, ...names.filter(travels).toSorted(shorterFirst), "--", ...args];
  const argv = ["sh", "-c", scriptOf(steps), ...given];
  return { ...plan, path: SHELL, argv, env: Object.fromEntries(env) };
}

/**
 * Where setpriv is, in the daemon's own search path.
 *
 * @throws SpawnProblem where it is nowhere: nothing is started as somebody else, then
 */
export async function findSetpriv(searchPath = DEFAULT_PATH): Promise<string> {
  if (found?.searchPath === searchPath && (await isExecutable(found.path))) return found.path;
  for (const entry of searchPath.split(":")) {
    const path = resolve("/", entry, SETPRIV);
    if (entry === "" || !(await isExecutable(path))) continue;
    found = { searchPath, path };
    return path;
  }
  throw new SpawnProblem({
    errno: "ENOENT",
    message: `\`${SETPRIV}\` is not on the daemon's PATH, and without it no service can run as another user or group: install util-linux`,
  });
}

/** Where it was the last time: a look in every entry would take as long as what it is for. */
let found: { searchPath: string; path: string } | undefined;

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
