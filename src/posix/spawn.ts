import { addressOf, bind, bindAsync, exists, SystemError } from "./libc.ts";

/** Source: spawn.h. */
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
/** Source: fcntl(2). */
const O_RDONLY = 0;
const O_RDWR = 2;

/** Sizes of the opaque structures: glibc's and musl's agree on amd64 and arm64. Source: spawn.h, bits/types/__sigset_t.h. */
const FILE_ACTIONS_BYTES = 80;
const ATTRIBUTES_BYTES = 336;
const SIGNAL_SET_BYTES = 128;

type Two = (a: Buffer, b: Buffer) => number;
const actionsInit = bind<(a: Buffer) => number>("int posix_spawn_file_actions_init(void *a)");
const actionsDestroy = bind<(a: Buffer) => number>("int posix_spawn_file_actions_destroy(void *a)");
const addOpen = bind<(a: Buffer, fd: number, path: string, flags: number, mode: number) => number>(
  "int posix_spawn_file_actions_addopen(void *a, int fd, const char *path, int flags, unsigned int mode)",
);
const addChdir = bind<(a: Buffer, path: string) => number>(
  "int posix_spawn_file_actions_addchdir_np(void *a, const char *path)",
);
const addDup2 = bind<(a: Buffer, fd: number, as: number) => number>(
  "int posix_spawn_file_actions_adddup2(void *a, int fd, int as)",
);
const addClose = bind<(a: Buffer, fd: number) => number>(
  "int posix_spawn_file_actions_addclose(void *a, int fd)",
);
const addCloseFrom = bind<(a: Buffer, fd: number) => number>(
  "int posix_spawn_file_actions_addclosefrom_np(void *a, int fd)",
);
const attributesInit = bind<(a: Buffer) => number>("int posix_spawnattr_init(void *a)");
const setFlags = bind<(a: Buffer, flags: number) => number>(
  "int posix_spawnattr_setflags(void *a, short flags)",
);
const setDefault = bind<Two>("int posix_spawnattr_setsigdefault(void *a, void *set)");
const setMask = bind<Two>("int posix_spawnattr_setsigmask(void *a, void *set)");
const spawn = bindAsync<
  [pid: Buffer, path: string, actions: Buffer, attributes: Buffer, argv: Buffer, env: Buffer]
>(
  "int posix_spawn(void *pid, const char *path, void *actions, void *attributes, void *argv, void *env)",
);

export interface Plan {
  /** Absolute path of the program: nothing is searched. */
  path: string;
  /** With the program's name as its first. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Working directory, absolute. */
  dir: string;
  /** Opened for reading and writing as descriptors 1 and 2: a FIFO so opened waits for nobody and never ends. */
  stdout: string;
  stderr: string;
  /** A descriptor of ours, 3 or above, that it has under the number `as`, 3 or above. */
  inherit?: { fd: number; as: number };
}

function ok(syscall: string, errno: number): void {
  if (errno !== 0) throw new SystemError(syscall, errno);
}

const bit = (signal: number): bigint => 1n << BigInt(signal - 1);

/** Every signal but KILL and STOP, which cannot be set. With the C library's own two, which it would leave ignored. Source: signal(7), nptl(7). */
function allSignals(): Buffer {
  const set = Buffer.alloc(SIGNAL_SET_BYTES);
  set.writeBigUInt64LE(0xffff_ffff_ffff_ffffn & ~bit(9) & ~bit(19), 0);
  return set;
}

/** A session of its own, default signals, none blocked. Made once. */
let attributes: Buffer | undefined;
function sharedAttributes(): Buffer {
  if (attributes) return attributes;
  const made = Buffer.alloc(ATTRIBUTES_BYTES);
  ok("posix_spawnattr_init", attributesInit(made));
  const flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  ok("posix_spawnattr_setflags", setFlags(made, flags));
  ok("posix_spawnattr_setsigdefault", setDefault(made, allSignals()));
  ok("posix_spawnattr_setsigmask", setMask(made, Buffer.alloc(SIGNAL_SET_BYTES)));
  return (attributes = made);
}

/** glibc 2.34; elsewhere close-on-exec, which Node sets on what it opens, has to do. */
let canCloseFrom: boolean | undefined;

function fileActions(plan: Plan): Buffer {
  const actions = Buffer.alloc(FILE_ACTIONS_BYTES);
  ok("posix_spawn_file_actions_init", actionsInit(actions));
  try {
    addActions(actions, plan);
    return actions;
  } catch (error) {
    actionsDestroy(actions);
    throw error;
  }
}

function addActions(actions: Buffer, plan: Plan): void {
  ok("addopen", addOpen(actions, 0, "/dev/null", O_RDONLY, 0));
  ok("addopen", addOpen(actions, 1, plan.stdout, O_RDWR, 0));
  ok("addopen", addOpen(actions, 2, plan.stderr, O_RDWR, 0));
  if (plan.inherit) ok("adddup2", addDup2(actions, plan.inherit.fd, plan.inherit.as));
  closeOthers(actions, plan.inherit?.as);
  ok("addchdir_np", addChdir(actions, plan.dir));
}

/** Closes all from 3 on but the one that is kept. To close what is not open is no error within the limit of descriptors, in glibc as in musl. */
function closeOthers(actions: Buffer, kept = 2): void {
  canCloseFrom ??= exists("posix_spawn_file_actions_addclosefrom_np");
  if (!canCloseFrom) return;
  for (let fd = 3; fd < kept; fd++) ok("addclose", addClose(actions, fd));
  ok("addclosefrom_np", addCloseFrom(actions, kept + 1));
}

/** `char *list[]` with its strings behind it, in one piece of memory. */
function stringVector(list: readonly string[]): Buffer {
  const strings = list.map((text) => Buffer.from(`${text}\0`));
  const table = 8 * (list.length + 1);
  const memory = Buffer.alloc(table + strings.reduce((sum, { length }) => sum + length, 0));
  const base = addressOf(memory);
  let offset = table;
  for (const [index, string] of strings.entries()) {
    memory.writeBigUInt64LE(base + BigInt(offset), 8 * index);
    offset += string.copy(memory, offset);
  }
  return memory;
}

let inFlight = 0;

/** How many spawns have not answered: so many children may be there whose pid nobody here knows. */
export const spawnsInFlight = (): number => inFlight;

/**
 * Starts a program in a session of its own, with the null device as its input and no other descriptor of ours than the one it is to have.
 *
 * The call waits until the child has executed the program, which a dead mount delays for ever, so it runs in libuv's pool. Nothing runs the file through a
 * shell. Source: posix_spawn(3).
 *
 * @returns the pid: at once a child of ours, perhaps a dead one already
 * @throws SystemError of the step that failed: opening the FIFOs, entering the directory, executing the program
 */
export async function posixSpawn(plan: Plan): Promise<number> {
  const pid = Buffer.alloc(4);
  const actions = fileActions(plan);
  const argv = stringVector(plan.argv);
  const env = stringVector(Object.entries(plan.env).map(([name, value]) => `${name}=${value}`));
  inFlight += 1;
  try {
    const keep = { pid, actions, argv, env };
    ok("posix_spawn", await spawn(keep, pid, plan.path, actions, sharedAttributes(), argv, env));
    return pid.readInt32LE(0);
  } finally {
    inFlight -= 1;
    actionsDestroy(actions);
  }
}
