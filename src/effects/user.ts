import { accountOf, type Account, groupOf, groupsOf } from "../posix/accounts.ts";

/** What a process runs with. */
export interface Ids {
  uid: number;
  gid: number;
  /** Supplementary ones. */
  groups: readonly number[];
}

/** Another user than the daemon's, or other groups: what a service has to be changed to. */
export interface RunAs extends Ids {
  /** As it is named in messages: user `bob`. */
  name: string;
}

/** What a definition, or the configuration, says of it. */
export interface Wanted {
  user?: string | undefined;
  group?: string | undefined;
}

/** Whom a service runs as. */
export interface Person {
  /** Absent: as the daemon does, nothing changes. */
  runAs?: RunAs;
  /** Of the user that was asked for; absent where none was. */
  account?: Pick<Account, "name" | "home" | "shell">;
}

/** Why a service cannot run as whom it is to. */
export class UserProblem extends Error {
  /** `unreadable`: the machine's lists of users could not be read. */
  readonly kind: "unknown" | "not_allowed" | "unreadable";
  readonly field: "user" | "group";
  readonly value: string;

  constructor(
    kind: UserProblem["kind"],
    { field, value }: Pick<UserProblem, "field" | "value">,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = "UserProblem";
    this.kind = kind;
    this.field = field;
    this.value = value;
  }
}

/** What this process runs with. */
export const ownIds = (): Ids => ({
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  groups: process.getgroups?.() ?? [],
});

/**
 * Finds out whom a service is to run as, in the machine's lists as they are now.
 *
 * A number needs no entry there: then the group has the same number unless one is named, and there are no supplementary groups. It is never the daemon's group by accident.
 * With a user come all groups that list it; with a group alone the daemon's stay.
 *
 * @param own what the daemon runs with: only root's may become another
 * @throws UserProblem
 */
export async function personOf({ user, group }: Wanted, own: Ids): Promise<Person> {
  const account = user === undefined ? undefined : await userNamed(user);
  const gid = group === undefined ? account?.gid : await groupNamed(group);
  const ids = {
    uid: account?.uid ?? own.uid,
    gid: gid ?? own.gid,
    groups: account ? await supplementary(account, gid ?? account.gid) : own.groups,
  };
  if (own.uid !== 0) refuseOthers(ids, own, { user, group });
  const shown = account && { account };
  if (own.uid !== 0 || sameIds(ids, own)) return { ...shown };
  return { ...shown, runAs: { ...ids, name: named(user, group) } };
}

const named = (user: string | undefined, group: string | undefined): string =>
  user === undefined ? `group \`${group}\`` : `user \`${user}\``;

/** The first group counts as one of the others, whether it is listed among them or not. Source: getgroups(2). */
const allGroups = ({ gid, groups }: Ids): string =>
  [...new Set([gid, ...groups])].toSorted((a, b) => a - b).join();

const sameIds = (a: Ids, b: Ids): boolean =>
  a.uid === b.uid && a.gid === b.gid && allGroups(a) === allGroups(b);

type Known = Account & { isListed: boolean };

async function userNamed(value: string): Promise<Known> {
  const found = await listed("user", value, accountOf);
  if (found) return { ...found, isListed: true };
  if (!/^\d+$/.test(value)) throw unknown("user", value);
  const number = Number(value);
  return { name: value, uid: number, gid: number, home: "/", shell: "", isListed: false };
}

async function groupNamed(value: string): Promise<number> {
  const found = await listed("group", value, groupOf);
  if (found) return found.gid;
  if (!/^\d+$/.test(value)) throw unknown("group", value);
  return Number(value);
}

async function supplementary({ name, isListed }: Known, gid: number): Promise<number[]> {
  if (!isListed) return [];
  return listed("user", name, () => groupsOf(name, gid));
}

async function listed<Found>(
  field: UserProblem["field"],
  value: string,
  look: (value: string) => Promise<Found>,
): Promise<Found> {
  try {
    return await look(value);
  } catch (error) {
    const message = `the machine's list of ${field}s cannot be read, so nobody knows who \`${value}\` is`;
    throw new UserProblem("unreadable", { field, value }, message, error);
  }
}

const unknown = (field: UserProblem["field"], value: string): UserProblem => {
  const tool = field === "user" ? "useradd" : "groupadd";
  const message = `this machine has no ${field} \`${value}\`: make it (${tool}), or name one of \`getent ${field === "user" ? "passwd" : "group"}\``;
  return new UserProblem("unknown", { field, value }, message);
};

/** Without root a process keeps its user and group, and its groups come with it. */
function refuseOthers(ids: Ids, own: Ids, { user, group }: Wanted): void {
  const who = `the daemon runs as user ${own.uid} and group ${own.gid}, not as root`;
  const refuse = (field: UserProblem["field"], value: string) => {
    const message = `${field} is \`${value}\`, but ${who}: only root can run a service as another ${field}. Leave ${field} out, or run the daemon as root`;
    throw new UserProblem("not_allowed", { field, value }, message);
  };
  if (user !== undefined && ids.uid !== own.uid) refuse("user", user);
  if (group !== undefined && ids.gid !== own.gid) refuse("group", group);
}
