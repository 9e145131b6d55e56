import { addressOf, bindAsync, SystemError } from "./libc.ts";

/** A user as the machine's own lists have it: /etc/passwd, and whatever nsswitch.conf(5) names beside that. */
export interface Account {
  name: string;
  uid: number;
  /** Its first group. */
  gid: number;
  home: string;
  /** "" where none is given. */
  shell: string;
}

/** A group as the machine's own lists have it. */
export interface Group {
  name: string;
  gid: number;
}

/** Offsets within `struct passwd`: glibc and musl agree; macOS has the time of a change and a class between. Source: pwd.h */
const PASSWD =
  process.platform === "darwin"
    ? { uid: 16, gid: 20, dir: 48, shell: 56, bytes: 72 }
    : { uid: 16, gid: 20, dir: 32, shell: 40, bytes: 48 };
/** `struct group`: name, password, number, members. Source: grp.h */
const GROUP = { gid: 16, bytes: 32 };

const ENOENT = 2;
const ESRCH = 3;
const ERANGE = 34;
/** Room for the texts of one entry; doubled where it is too little, as for a group of a thousand members. */
const FIRST_BYTES = 4_096;
const MAX_BYTES = 1 << 24;
/** As many groups as a process may have. Source: limits.h, NGROUPS_MAX */
const MAX_GROUPS = 65_536;

type Get<Key> = [key: Key, entry: Buffer, texts: Buffer, size: number, found: Buffer];
const getpwnam = bindAsync<Get<string>>(
  "int getpwnam_r(const char *name, void *entry, void *texts, size_t size, void *found)",
);
const getpwuid = bindAsync<Get<number>>(
  "int getpwuid_r(unsigned int uid, void *entry, void *texts, size_t size, void *found)",
);
const getgrnam = bindAsync<Get<string>>(
  "int getgrnam_r(const char *name, void *entry, void *texts, size_t size, void *found)",
);
const getgrgid = bindAsync<Get<number>>(
  "int getgrgid_r(unsigned int gid, void *entry, void *texts, size_t size, void *found)",
);
const getgrouplist = bindAsync<[name: string, gid: number, groups: Buffer, count: Buffer]>(
  "int getgrouplist(const char *name, unsigned int gid, void *groups, void *count)",
);

/** So many questions at once, since each holds a thread of libuv's pool and a list may be on a machine that does not answer; the others wait. */
const AT_ONCE = 8;
const waiting: (() => void)[] = [];
let asking = 0;

async function inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  if (asking >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else asking += 1;
  try {
    return await ask();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else asking -= 1;
  }
}

interface Entry {
  entry: Buffer;
  texts: Buffer;
}

/** Asks for one entry with as much room as it takes; undefined where there is none. @throws SystemError what else kept it from being read */
async function lookUp<Key>(
  syscall: string,
  get: (keep: object, ...args: Get<Key>) => Promise<number>,
  key: Key,
  entryBytes: number,
): Promise<Entry | undefined> {
  for (let size = FIRST_BYTES; ; size *= 2) {
    const [entry, texts, found] = [Buffer.alloc(entryBytes), Buffer.alloc(size), Buffer.alloc(8)];
    const keep = { entry, texts, found };
    const errno = await inTurn(() => get(keep, key, entry, texts, size, found));
    if (errno === ERANGE && size < MAX_BYTES) continue;
    if (errno === 0) return found.readBigUInt64LE(0) === 0n ? undefined : { entry, texts };
    if (errno === ENOENT || errno === ESRCH) return undefined; // getpwnam(3): some lists say so
    throw new SystemError(syscall, errno);
  }
}

/** The text that a pointer within an entry shows, which lies in `texts`. */
function textAt({ entry, texts }: Entry, offset: number): string {
  const start = Number(entry.readBigUInt64LE(offset) - addressOf(texts));
  if (!(start >= 0 && start < texts.length)) return "";
  return texts.toString("utf8", start, texts.indexOf(0, start));
}

const toAccount = (found: Entry): Account => ({
  name: textAt(found, 0),
  uid: found.entry.readUInt32LE(PASSWD.uid),
  gid: found.entry.readUInt32LE(PASSWD.gid),
  home: textAt(found, PASSWD.dir),
  shell: textAt(found, PASSWD.shell),
});

const toGroup = (found: Entry): Group => ({
  name: textAt(found, 0),
  gid: found.entry.readUInt32LE(GROUP.gid),
});

/** What an account is asked for by: digits are a number, as everywhere. */
const isNumber = (nameOrNumber: string): boolean => /^\d+$/.test(nameOrNumber);

/**
 * A user by name or number, read anew each time, in libuv's pool: a list may be on another machine. Source: getpwnam(3).
 *
 * @returns undefined where there is no such user
 * @throws SystemError EIO, EMFILE, … where that cannot be known
 */
export async function accountOf(nameOrNumber: string): Promise<Account | undefined> {
  const found = isNumber(nameOrNumber)
    ? await lookUp("getpwuid_r", getpwuid, Number(nameOrNumber), PASSWD.bytes)
    : await lookUp("getpwnam_r", getpwnam, nameOrNumber, PASSWD.bytes);
  return found && toAccount(found);
}

/**
 * A group by name or number, in the same way. Source: getgrnam(3).
 *
 * @throws SystemError as `accountOf`
 */
export async function groupOf(nameOrNumber: string): Promise<Group | undefined> {
  const found = isNumber(nameOrNumber)
    ? await lookUp("getgrgid_r", getgrgid, Number(nameOrNumber), GROUP.bytes)
    : await lookUp("getgrnam_r", getgrnam, nameOrNumber, GROUP.bytes);
  return found && toGroup(found);
}

/**
 * All groups of a user: the first one given, and those that list it. Source: getgrouplist(3).
 *
 * @throws SystemError ERANGE over what a process may have
 */
export async function groupsOf(name: string, gid: number): Promise<number[]> {
  for (let room = 64; room <= MAX_GROUPS; room *= 2) {
    const groups = Buffer.alloc(4 * room);
    const count = Buffer.alloc(4);
    count.writeInt32LE(room, 0);
    const keep = { groups, count };
    const answer = await inTurn(() => getgrouplist(keep, name, gid, groups, count));
    if (answer < 0) continue;
    return Array.from({ length: count.readInt32LE(0) }, (_, index) =>
      groups.readUInt32LE(4 * index),
    );
  }
  throw new SystemError("getgrouplist", ERANGE);
}
